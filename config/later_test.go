package config

import "testing"

// Everything that the reference has takes effect.
func TestReferenceIsInEffect(t *testing.T) {
	if cfg := mustLoad(t, files("a.toml", readReference(t))); len(cfg.NotInEffect) != 0 {
		t.Error(cfg.NotInEffect)
	}
}
