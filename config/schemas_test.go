package config

import "reflect"

// table is what a test needs of a schema, whatever its type.
type table struct {
	name string // as in notYet
	rows []row
}

type row struct {
	name     string
	required bool
	// isDefault says whether a value is what the key has without being set.
	isDefault func(l *loading, v value) bool
}

func tableOf[T any](s *schema[T]) table {
	t := table{name: s.name}
	for _, k := range s.rows {
		t.rows = append(t.rows, row{k.name, k.required != "", func(l *loading, v value) bool {
			var unset, set T
			k.reset(&unset)
			k.reset(&set)
			k.set(l, &set, v)
			return reflect.DeepEqual(unset, set)
		}})
	}
	return t
}

// allTables are all schemas, by the path of their table.
func allTables() map[string]table {
	return map[string]table{
		"daemon":     tableOf(&daemonSchema),
		"log":        tableOf(&logSchema),
		"peer":       tableOf(&peerSchema),
		"feed":       tableOf(&feedSchema),
		"neighbour":  tableOf(&neighbourSchema),
		"connection": tableOf(&connectionSchema),
		"prefix":     tableOf(&prefixSchema),
		"asn":        tableOf(&asnSchema),
		"detect":     tableOf(&detectSchema),
		"rpki":       tableOf(&rpkiSchema),
		"pop":        tableOf(&popSchema),
		"probe":      tableOf(&probeSchema),
		"retention":  tableOf(&retentionSchema),
		"channel":    tableOf(&channelSchema),
	}
}
