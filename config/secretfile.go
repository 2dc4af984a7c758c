package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// maxPassword is the longest key of TCP MD5 that the kernel takes
// (TCP_MD5SIG_MAXKEYLEN).
const maxPassword = 80

// secretFile reads the file that a key names and returns its content without
// the newline at its end. The path is "" where none is named, and where the
// loader reads no secrets. Others on the host must not be able to read it.
func (l *loading) secretFile(v value) (content, path string, ok bool) {
	name, ok := text(l, v)
	if !ok || name == "" || l.Recording {
		return "", "", ok
	}
	path = l.credential(v, name)
	content, mode, err := l.read(path)
	if err != nil {
		l.unreadable(v, path, err)
		return "", path, false
	}
	if mode.Perm()&0o004 != 0 {
		l.warn(v.pos(), "%s names %s, which every user of this host can read; chmod o-r it", v.name, path)
	}
	return strings.TrimRight(content, "\r\n"), path, true
}

// credential finds a secret: a bare name may be a systemd credential.
func (l *loading) credential(v value, name string) string {
	if l.Credentials != "" && filepath.Base(name) == name {
		path := filepath.Join(l.Credentials, name)
		if f, err := l.fs.Open(path); err == nil {
			f.Close()
			return path
		}
	}
	return resolve(v, name)
}

// password is the TCP MD5 key in a file. "" is none.
func password(l *loading, v value) (Secret, bool) {
	content, path, ok := l.onlyLine(v, "password")
	if path == "" || !ok {
		return Secret{}, ok
	}
	if len(content) > maxPassword {
		l.fail(v.pos(), "%s names %s, which holds %d bytes; TCP MD5 takes at most %d", v.name, path, len(content), maxPassword)
		return Secret{}, false
	}
	return NewSecret(content), true
}

// onlyLine is what stands alone in the file that a key names.
func (l *loading) onlyLine(v value, what string) (content, path string, ok bool) {
	content, path, ok = l.secretFile(v)
	switch {
	case path == "" || !ok:
	case content == "":
		l.fail(v.pos(), "%s names %s, which is empty; write the %s into it", v.name, path, what)
		ok = false
	case strings.ContainsAny(content, "\r\n"):
		l.fail(v.pos(), "%s names %s, which has several lines; leave the %s alone in it", v.name, path, what)
		ok = false
	}
	return content, path, ok
}

// mailPassword is that of a mail server's user.
func mailPassword(l *loading, v value) ([]Secret, bool) {
	content, path, ok := l.onlyLine(v, "password")
	if path == "" || !ok {
		return nil, ok
	}
	return []Secret{NewSecret(content)}, true
}

// routingKey is the integration key of PagerDuty: 32 letters and digits.
func routingKey(l *loading, v value) ([]Secret, bool) {
	content, path, ok := l.onlyLine(v, "integration key")
	if path == "" || !ok {
		return nil, ok
	}
	if content = strings.TrimSpace(content); !isRoutingKey(content) {
		l.fail(v.pos(), "%s names %s, which holds no integration key; write the 32 letters and digits that PagerDuty shows into it", v.name, path)
		return nil, false
	}
	return []Secret{NewSecret(content)}, true
}

func isRoutingKey(s string) bool {
	return len(s) == 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// signingKeys are the keys in a file, one a line.
func signingKeys(l *loading, v value) ([]Secret, bool) {
	content, path, ok := l.secretFile(v)
	if path == "" || !ok {
		return nil, ok
	}
	var keys []Secret
	for i, line := range strings.Split(content, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, err := signingKey(line)
		if err != nil {
			l.filed(path)
			l.fail(Pos{path, int32(i + 1), 1}, "this line is no signing key; %v", err)
			ok = false
			continue
		}
		keys = append(keys, NewSecret(string(key)))
	}
	if ok && keys == nil {
		l.fail(v.pos(), `%s names %s, which is empty; write a key into it: "whsec_" and the base64 of 24 to 64 random bytes`, v.name, path)
		ok = false
	}
	return keys, ok
}

// signingKey decodes a key of Standard Webhooks.
func signingKey(line string) ([]byte, error) {
	encoded, found := strings.CutPrefix(line, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New(`write "whsec_" and the base64 of 24 to 64 random bytes`)
	}
	return key, nil
}

// unreadable reports a file that a key names.
func (l *loading) unreadable(v value, path string, err error) {
	l.fail(v.pos(), "%s", unusable(v, path, err))
}

// unusable says what is wrong with a file that a key names.
func unusable(v value, path string, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("%s names %s, which does not exist; relative paths start at the folder of this file", v.name, path)
	}
	return fmt.Sprintf("%s names %s, which cannot be read: %v", v.name, path, cause(err))
}

// filed makes the problems of a named file come after those of the files
// read before it.
func (l *loading) filed(path string) {
	if !slices.Contains(l.files, path) {
		l.files = append(l.files, path)
	}
}
