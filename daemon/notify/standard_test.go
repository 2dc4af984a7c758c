package notify

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"peervane/config"
)

// verify is the receiver's side of Standard Webhooks, written from its text and not from sign: the secret is base64
// after "whsec_"; the signed content is id, timestamp and body joined by full stops; the header is a list of signatures
// separated by spaces, each with its version before a comma; a timestamp more than five minutes off is refused.
func verify(secret string, h http.Header, body []byte, now time.Time) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	id, timestamp, signatures := h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature")
	if id == "" || timestamp == "" || signatures == "" {
		return errors.New("a header is missing")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return err
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > 5*time.Minute {
		return fmt.Errorf("the timestamp is %v off", off)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	want := mac.Sum(nil)
	for _, signature := range strings.Split(signatures, " ") {
		version, encoded, _ := strings.Cut(signature, ",")
		if version != "v1" {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(encoded); err == nil && subtle.ConstantTimeCompare(got, want) == 1 {
			return nil
		}
	}
	return errors.New("no signature matches")
}

// whsec writes a key as the configuration does, and gives it as the configuration holds it.
func whsec(fill byte) (string, config.Secret) {
	key := bytes.Repeat([]byte{fill}, 32)
	return "whsec_" + base64.StdEncoding.EncodeToString(key), config.NewSecret(string(key))
}

// The example that the reference libraries of Standard Webhooks test themselves with.
func TestSignTheReferenceExample(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign([]config.Secret{config.NewSecret(string(key))}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
