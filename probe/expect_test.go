package probe

import (
	"reflect"
	"testing"
)

// expect fails the test unless both are deeply equal.
func expect[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
