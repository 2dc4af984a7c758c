package netlab

import (
	"net/netip"
	"os/exec"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	lab, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	}()
	a, err := lab.Host("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := lab.Host("b")
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.Link(a, netip.MustParsePrefix("10.0.0.1/30"), b, netip.MustParsePrefix("10.0.0.2/30"))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Number(netip.MustParsePrefix("fd00::1/64"), netip.MustParsePrefix("fd00::2/64")); err != nil {
		t.Fatal(err)
	}
	l.Set(AtoB, Impairment{Delay: 10 * time.Millisecond})
	for _, c := range []string{"ip -d addr; ip neigh; ip -6 route; ping -c 5 -i 0.2 10.0.0.2", "ping -c 5 -i 0.2 fd00::2"} {
		cmd := exec.Command("sh", "-c", c)
		err := a.Do(func() error {
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Logf("%+v %+v", l.Stats(AtoB), l.Stats(BtoA))
}
