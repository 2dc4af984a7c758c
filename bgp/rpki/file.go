package rpki

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"
)

const (
	filePoll   = 10 * time.Second
	fileExpiry = 10 * time.Minute // how often a file that is not renewed is read again for what has expired in it
	maxFile    = 1 << 30
)

// ReadFile reads a JSON export as DecodeJSON does. Where the file does not say when it was built, its own time counts; a
// time in the future counts as now.
func ReadFile(path string, now time.Time) (*Data, error) {
	data, _, err := readFile(path, now)
	return data, err
}

func readFile(path string, now time.Time) (*Data, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("rpki file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("rpki file: %w", err)
	}
	if info.Size() > maxFile {
		return nil, info, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxFile)
	}
	data, err := DecodeJSON(bufio.NewReaderSize(io.LimitReader(f, maxFile), 1<<16), now)
	if err != nil {
		return nil, info, fmt.Errorf("%s: %w", path, err)
	}
	if data.Built.IsZero() {
		data.Built = info.ModTime()
	}
	data.Built = earlier(data.Built, now)
	return data, info, nil
}

// ReadSLURM reads a SLURM file.
func ReadSLURM(path string) (*SLURM, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("slurm: %w", err)
	}
	defer f.Close()
	s, err := DecodeSLURM(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ReadSet reads files once, for work without a daemon; either path may be empty.
func ReadSet(file, slurm string, now time.Time) (*Set, error) {
	set := &Set{}
	if file == "" {
		return set, nil
	}
	data, err := ReadFile(file, now)
	if err != nil {
		return nil, err
	}
	var exceptions *SLURM
	if slurm != "" {
		if exceptions, err = ReadSLURM(slurm); err != nil {
			return nil, err
		}
	}
	from := Provenance{Source: file, Fetched: data.Built, Offered: true}
	set = NewSet(exceptions.VRPs(data.VRPs), exceptions.ASPAs(data.ASPAs))
	set.VRPs, set.ASPAs = from, from
	set.ASPAs.Offered = len(data.ASPAs) > 0
	return set, nil
}

// fileWatch reads a file again when it changes. Its goroutine is the caller's.
type fileWatch struct {
	path   string
	log    *zap.Logger
	report func(ctx context.Context, r fileReport)
	seen   fs.FileInfo // the file as it was last read, nil if it could not be
	failed string      // the last complaint, so that it is made once
	read   time.Time
	expiry time.Time // of the first record, zero for none
}

// fileReport is a file that was read, or why it could not be: then the data before stays in force.
type fileReport struct {
	data *Data
	err  error
}

// run looks at the file until ctx ends.
func (w *fileWatch) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.look(ctx, time.Now())
		sleep(ctx, filePoll)
	}
}

// look reads the file if its time, size or identity have changed, or if records in it have expired.
func (w *fileWatch) look(ctx context.Context, now time.Time) {
	info, err := os.Stat(w.path)
	if err != nil {
		w.seen = nil
		w.complain(ctx, fmt.Errorf("rpki file: %w", err))
		return
	}
	expired := !w.expiry.IsZero() && !now.Before(w.expiry) && now.Sub(w.read) >= fileExpiry
	if w.seen != nil && unchanged(w.seen, info) && !expired {
		return
	}
	data, read, err := readFile(w.path, now)
	w.seen, w.read = read, now
	switch again, statErr := os.Stat(w.path); {
	case statErr != nil || read == nil || !unchanged(read, again):
		w.seen = nil // it changed while it was read: what was read may be torn
		w.complain(ctx, errors.Join(err, fmt.Errorf("%s changed while it was read: it is read again", w.path)))
		return
	case err != nil:
		w.complain(ctx, err)
		return
	}
	w.failed, w.expiry = "", data.NextExpiry
	w.log.Info("rpki file read", zap.String("file", w.path), zap.Int("vrps", len(data.VRPs)), zap.Int("aspas", len(data.ASPAs)), zap.Time("built", data.Built))
	w.report(ctx, fileReport{data: data})
}

func (w *fileWatch) complain(ctx context.Context, err error) {
	if w.failed == err.Error() {
		return
	}
	w.failed = err.Error()
	w.log.Error("rpki file refused, the data before stays in force", zap.String("file", w.path), zap.Error(err))
	w.report(ctx, fileReport{err: err})
}

func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
