package daemon

import (
	"encoding/json"
	"math"
	"testing"

	"peervane/daemon/join"
)

func TestLatencyOfIsRounded(t *testing.T) {
	for want, c := range map[string]join.Cost{
		`{"pop":"par1","before_ms":12.1,"after_ms":null,"shift_ms":null,"loss":null,"outage_ms":null,"convergence_ms":null}`: {Before: 12.06, Convergence: math.NaN()},
		`{"pop":"par1","before_ms":0.06,"after_ms":0.042,"shift_ms":0,"loss":0.033,"outage_ms":0,"convergence_ms":12000}`:    {Before: 0.06, After: 0.0421, Loss: 1. / 30, Measured: true, Convergence: 12000},
		`{"pop":"par1","before_ms":12.1,"after_ms":null,"shift_ms":null,"loss":1,"outage_ms":1400,"convergence_ms":null}`:    {Before: 12.1, After: math.NaN(), Loss: 1, Measured: true, Outage: 1400.2, Convergence: math.NaN()},
	} {
		c.POP = "par1"
		if got, err := json.Marshal(latencyOf(c)); err != nil || string(got) != want {
			t.Errorf("%+v: got %s, want %s (%v)", c, got, want, err)
		}
	}
}
