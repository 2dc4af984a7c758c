package config

import (
	"errors"
	"io"
	"reflect"
	"testing"
)

// What a file must hold is known elsewhere: here "bad" must not.
func refuseBad(r io.Reader) error {
	if text, err := io.ReadAll(r); err != nil || string(text) == "bad" {
		return errors.Join(err, errors.New("it is bad"))
	}
	return nil
}

// TestRPKIFiles: a bad SLURM file is an error; what another program writes is a warning at most.
func TestRPKIFiles(t *testing.T) {
	const text = daemonTable + "[rpki]\nfile  = \"roas\"\nslurm = \"local\"\n"
	for name, c := range map[string]struct {
		files []string
		want  []string
	}{
		"good":      {[]string{"roas", "good", "local", "good"}, nil},
		"bad slurm": {[]string{"roas", "good", "local", "bad"}, []string{`a.toml:7:9: slurm names local, which cannot be read: it is bad`}},
		"bad file": {[]string{"roas", "bad", "local", "good"}, []string{
			`a.toml:6:9: warning: file names roas, which cannot be read: it is bad; the daemon runs without its data until it can be read`,
		}},
		"no file": {[]string{"local", "good"}, []string{
			`a.toml:6:9: warning: file names roas, which does not exist; relative paths start at the folder of this file; the daemon runs without its data until it can be read`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			loader := Loader{Files: files(append([]string{"a.toml", text}, c.files...)...), SLURM: refuseBad, RPKIFile: refuseBad}
			_, problems := loader.Load("a.toml")
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			loader.RPKIFile = nil
			cfg, problems := loader.Load("a.toml")
			if name != "bad slurm" && (len(problems) > 0 || cfg.RPKI.File != "roas") {
				t.Errorf("a daemon that starts is told %v", problems)
			}
		})
	}
}
