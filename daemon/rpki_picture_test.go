package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
)

// What is shown of the RPKI data is what is in force, and what fails.
func TestPictureOfRPKI(t *testing.T) {
	v := newValidation(zap.NewNop(), make(chan struct{}, 1))
	if v.picture() != nil {
		t.Error("without a source something is shown")
	}
	built := time.Now().Add(-time.Hour).Truncate(time.Second)
	file, slurm := filepath.Join(t.TempDir(), "rpki.json"), filepath.Join(t.TempDir(), "slurm.json")
	text := fmt.Sprintf(`{"metadata": {"buildtime": %q}, "roas": [{"prefix": "203.0.113.0/24", "asn": 64496}], "aspas": []}`, built.UTC().Format(time.RFC3339))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v.set(config.RPKI{File: file, SLURM: slurm, StaleAfter: 2 * time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	for deadline := time.After(time.Minute); v.picture().VRPs.Records == 0; {
		select {
		case <-v.wake:
		case <-deadline:
			t.Fatal("the file is not read")
		}
	}
	p := v.picture()
	if p.VRPs.Source != file || !p.VRPs.At.Equal(built) || p.ASPAs.Records != 0 || p.ASPAs.Source != "" || !p.ASPAs.At.IsZero() {
		t.Errorf("shown: %+v", p)
	}
	if len(p.Errors) != 1 || !strings.Contains(p.Errors[0], slurm) {
		t.Errorf("errors: %q", p.Errors)
	}
}
