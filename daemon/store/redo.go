package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// What is promised is first written to a redo log: a file of a fixed size, used around and around, so that a promise costs one write
// over what is there and one fdatasync, whatever the database is doing. The database follows, in larger transactions, and says in
// each up to which record it has come; what it lacks after a kill or a power cut is done again when it is opened.

const (
	slotSize  = 4096 // records begin at multiples of it, so that none shares a sector with one that was promised before
	redoSlots = 4096 // of the file, the first of which holds its header
)

// mostSlots is how long a record may be. What is longer goes to the database at once.
const mostSlots = redoSlots / 4

// errNoRoom says that a record has to go to the database at once.
var errNoRoom = errors.New("the redo log has no room")

// redo is a redo log that is being written.
type redo struct {
	f    *os.File
	path string
	file os.FileInfo
	id   uint64 // tells its records from those that an earlier log left in the file, and the database that it belongs to

	mu     sync.Mutex
	at     int // the slot where the next record begins
	free   int // slots
	needed []extent
}

// extent is the room of a record which the database on the disk may lack, oldest first, with what was left empty before it.
type extent struct {
	lsn   uint64
	slots int
}

func redoPath(database string) string { return database + ".redo" }

// createRedo makes a log, or takes the file of an earlier one: nothing in it may be needed any more.
func createRedo(path string, id uint64) (_ *redo, err error) {
	if err := enoughRoom(path); err != nil {
		os.Remove(path) // what is left of an earlier one takes the room that others need
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the redo log: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(path) // what was made of it takes the room that others may need
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("make the redo log: %w", err)
	}
	if info.Size() != redoSlots*slotSize || allotted(info) < redoSlots*slotSize { // written once, for a disk overwrites faster than it finds room
		if err := allot(f); err != nil {
			return nil, fmt.Errorf("make the redo log: %w", err)
		}
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("make the redo log: %w", err)
	}
	r := &redo{f: f, path: path, file: info, id: id, at: 1, free: redoSlots - 1}
	return r, r.write(0, encodeHeader(id))
}

func allot(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	nothing := make([]byte, 256*slotSize)
	for range redoSlots * slotSize / len(nothing) {
		if _, err := f.Write(nothing); err != nil {
			return err
		}
	}
	return f.Sync()
}

// roomForRedo is what the disk must have free for a log to be made: of a small disk the database has more need.
const roomForRedo = 8 * redoSlots * slotSize

func enoughRoom(path string) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &disk); err != nil {
		return fmt.Errorf("make the redo log: %w", err)
	}
	free := int64(disk.Bavail) * disk.Bsize
	if info, err := os.Stat(path); err == nil {
		free += allotted(info)
	}
	if free < roomForRedo {
		return fmt.Errorf("make the redo log: the disk has %d MB free, and must have %d", free>>20, roomForRedo>>20)
	}
	return nil
}

// allotted is how much of the disk a file takes.
func allotted(info os.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}

// giveRoom frees what a log takes of the disk, but for its header and some records.
func giveRoom(path string, keep []record) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	needed := map[int]bool{0: true}
	for _, r := range keep {
		for slot := r.at; slot < r.at+r.size(); slot += slotSize {
			needed[slot] = true
		}
	}
	for slot := 0; slot < redoSlots*slotSize; slot += slotSize {
		if needed[slot] {
			continue
		}
		if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(slot), slotSize); err != nil {
			return err
		}
	}
	return nil
}

// syncFolder takes the name of a new file to disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// append takes a record to disk. The records must come in the order of their numbers.
func (r *redo) append(lsn uint64, record []byte) error {
	slots := len(record) / slotSize
	at, err := r.take(lsn, slots)
	if err != nil {
		return err
	}
	return r.write(at, record)
}

// take finds room for a record: behind the last, or, where the file ends before it would, at the beginning.
func (r *redo) take(lsn uint64, slots int) (at int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, skipped := r.at, 0
	if at+slots > redoSlots {
		at, skipped = 1, redoSlots-at
	}
	if slots > mostSlots || skipped+slots > r.free {
		return 0, errNoRoom
	}
	r.at, r.free = at+slots, r.free-skipped-slots
	r.needed = append(r.needed, extent{lsn, skipped + slots})
	return at, nil
}

func (r *redo) write(slot int, b []byte) error {
	if _, err := r.f.WriteAt(b, int64(slot)*slotSize); err != nil {
		return fmt.Errorf("write the redo log: %w", err)
	}
	if err := unix.Fdatasync(int(r.f.Fd())); err != nil {
		return fmt.Errorf("take the redo log to disk: %w", err)
	}
	if now, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, r.file) {
		return fmt.Errorf("%s is gone, or is another file", r.path) // nobody would find what is written
	}
	return nil
}

// release gives the room of all records up to lsn free: the database holds them, on the disk.
func (r *redo) release(lsn uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(r.needed) && r.needed[n].lsn <= lsn {
		r.free += r.needed[n].slots
		n++
	}
	r.needed = append(r.needed[:0], r.needed[n:]...)
}

// narrow says whether it is time to release.
func (r *redo) narrow() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.free < redoSlots/2
}

func (r *redo) close() { r.f.Close() }
