package sync

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// line returns a small good change with members put in place of, or beside, the usual ones.
func line(with string) string {
	members := []string{`"s":7`, `"r":"` + labRecord + `"`, `"k":"interview"`, `"op":"edit"`, `"u":"en0417"`, `"as":"enumerator"`, `"at":1790000123456`, `"w":{"water":"tap"}`}
	if name, _, ok := strings.Cut(with, ":"); ok {
		members = slices.DeleteFunc(members, func(m string) bool { return strings.HasPrefix(m, name+":") })
		members = append(members, with)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func units(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"u%d":1`, i)
	}
	return `"w":{` + b.String()[1:] + "}"
}

func parents(n int) string {
	return `"p":[` + strings.TrimSuffix(strings.Repeat(`"`+testReplica+`:1",`, n), ",") + "]"
}

func padded(n int) string {
	l := line(`"zz":"`)
	return l[:len(l)-1] + strings.Repeat("x", n-len(l)-1) + `"}`
}

func TestDecodeChangeKnowsEachFaultAtItsLimitAndOneBeyond(t *testing.T) {
	deep := func(n int) string { return `"w":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	for _, c := range []struct{ name, line, code string }{
		{"a good line", line(""), ""},
		{"blanks around", " \t" + line("") + " \r", ""},
		{"a member of a later version", line(`"zz":{"a":[1,2,{"b":null}]}`), ""},
		{"an escaped member name", strings.Replace(line(""), `"s":7`, `"\u0073":7`, 1), ""},
		{"64 KiB", padded(MaxChangeBytes), ""},
		{"64 KiB and one byte", padded(MaxChangeBytes + 1), FaultTooLarge},
		{"400 units", line(units(MaxUnits)), ""},
		{"401 units", line(units(MaxUnits + 1)), FaultUnits},
		{"no unit", line(`"w":{}`), FaultUnits},
		{"256 parents", line(parents(MaxParents)), ""},
		{"257 parents", line(parents(MaxParents + 1)), FaultParents},
		{"a parent without number", line(`"p":["` + testReplica + `"]`), FaultParents},
		{"a parent of number 0", line(`"p":["` + testReplica + `:0"]`), FaultParents},
		{"a reason of 500 characters", line(`"why":"` + strings.Repeat("ữ", MaxWhy) + `"`), ""},
		{"a reason of 501 characters", line(`"why":"` + strings.Repeat("ữ", MaxWhy+1) + `"`), FaultWhy},
		{"a decision without reason", line(`"op":"resolve"`), FaultWhy},
		{"taking back without reason", line(`"op":"revert"`), FaultWhy},
		{"a tag of 64 characters", line(`"x":"` + strings.Repeat("ữ", MaxTag) + `"`), ""},
		{"a tag of 65 characters", line(`"x":"` + strings.Repeat("ữ", MaxTag+1) + `"`), FaultTag},
		{"a path of 200 bytes", line(`"w":{"` + strings.Repeat("u", MaxUnitName) + `":1}`), ""},
		{"a path of 201 bytes", line(`"w":{"` + strings.Repeat("u", MaxUnitName+1) + `":1}`), FaultUnit},
		{"an empty path", line(`"w":{"":1}`), FaultUnit},
		{"a path with a blank", line(`"w":{"a b":1}`), FaultUnit},
		{"a path with an escaped line break", line(`"w":{"a\nb":1}`), FaultUnit},
		{"an empty element", line(`"w":{"m//name":1}`), FaultUnit},
		{"a slash at the end", line(`"w":{"m/":1}`), FaultUnit},
		{"nested to the limit", line(deep(MaxDepth - 2)), ""},
		{"nested one deeper", line(deep(MaxDepth - 1)), FaultDepth},
		{"a kind of 128 bytes", line(`"k":"` + strings.Repeat("k", MaxName) + `"`), ""},
		{"a kind of 129 bytes", line(`"k":"` + strings.Repeat("k", MaxName+1) + `"`), FaultField},
		{"a member twice", strings.Replace(line(""), `"s":7`, `"s":7,"s":8`, 1), FaultDuplicate},
		{"a member twice, once escaped", strings.Replace(line(""), `"s":7`, `"s":7,"\u0073":8`, 1), FaultDuplicate},
		{"an unknown member twice", line(`"zz":1,"zz":2`), FaultDuplicate},
		{"a unit twice", line(`"w":{"a":1,"b":2,"a":3}`), FaultDuplicate},
		{"a name twice in a value", line(`"w":{"gps":{"lat":1,"lon":2,"lat":3}}`), FaultDuplicate},
		{"no sequence", strings.Replace(line(""), `"s":7,`, ``, 1), FaultField},
		{"no record", strings.Replace(line(""), `"r":"`+labRecord+`",`, ``, 1), FaultField},
		{"no kind", strings.Replace(line(""), `"k":"interview",`, ``, 1), FaultField},
		{"no writes", strings.Replace(line(""), `,"w":{"water":"tap"}`, ``, 1), FaultField},
		{"a record in capitals", line(`"r":"0199C0DE-0000-7000-8000-0000000000AA"`), FaultField},
		{"sequence 0", line(`"s":0`), FaultField},
		{"sequence 2^53-1", line(`"s":9007199254740991`), ""},
		{"sequence 2^53", line(`"s":9007199254740992`), FaultField},
		{"a sequence with a fraction", line(`"s":7.0`), FaultField},
		{"a sequence as text", line(`"s":"7"`), FaultField},
		{"a clock before 1970", line(`"at":-5`), ""},
		{"a counter below 0", line(`"n":-1`), FaultField},
		{"an account that is a number", line(`"u":417`), FaultField},
		{"parents that are no list", line(`"p":{}`), FaultField},
		{"writes that are no object", line(`"w":[]`), FaultField},
		{"a former dot that is none", line(`"was":"here"`), FaultField},
		{"a number sent as text", line(`"w":{"house_area":"32.5"}`), ""},
		{"nothing", "", FaultJSON},
		{"null", "null", FaultJSON},
		{"two objects", line("") + line(""), FaultJSON},
		{"a line break inside", strings.Replace(line(""), ",", ",\n", 1), FaultJSON},
		{"cut", line("")[:40], FaultJSON},
		{"a comma too many", strings.Replace(line(""), "}", ",}", 1), FaultJSON},
		{"a leading zero", line(`"w":{"a":01}`), FaultJSON},
		{"a bare control character", line("\"w\":{\"a\":\"\x01\"}"), FaultJSON},
		{"an escape JSON does not have", line(`"w":{"a":"\x41"}`), FaultJSON},
		{"NaN", line(`"w":{"a":NaN}`), FaultJSON},
		{"half a character", line("\"w\":{\"a\":\"\xe1\xbb\"}"), FaultUTF8},
	} {
		change, fault := DecodeChange(testReplica, []byte(c.line))
		switch {
		case c.code == "" && fault != nil:
			t.Errorf("%s: refused with %v", c.name, fault)
		case c.code == "" && !bytes.Equal(change.Bytes, []byte(c.line)):
			t.Errorf("%s: its bytes are not kept", c.name)
		case c.code != "" && (fault == nil || fault.Code != c.code || fault.Detail == ""):
			t.Errorf("%s: fault %v, want code %s and a sentence", c.name, fault, c.code)
		}
	}
}

func TestEncodeRefusesWhatDecodeRefuses(t *testing.T) {
	good := func() *Change {
		return &Change{Dot: Dot{testReplica, 7}, Record: labRecord, Kind: "interview", Op: OpEdit, Writes: []Write{{"water", []byte(`"tap"`)}}}
	}
	if err := good().Encode(); err != nil {
		t.Fatal(err)
	}
	many := good()
	for i := range MaxUnits {
		many.Writes = append(many.Writes, Write{fmt.Sprintf("u%d", i), []byte("1")})
	}
	for code, c := range map[string]*Change{
		FaultUnits:     many,
		FaultWhy:       {Dot: Dot{testReplica, 7}, Record: labRecord, Kind: "interview", Op: OpResolve, Writes: []Write{{"water", []byte(`1`)}}},
		FaultDuplicate: {Dot: Dot{testReplica, 7}, Record: labRecord, Kind: "interview", Op: OpEdit, Writes: []Write{{"a", []byte(`1`)}, {"a", []byte(`1`)}}},
		FaultJSON:      {Dot: Dot{testReplica, 7}, Record: labRecord, Kind: "interview", Op: OpEdit, Writes: []Write{{"a", []byte(`tap`)}}},
		FaultUTF8:      {Dot: Dot{testReplica, 7}, Record: labRecord, Kind: "interview", Op: OpEdit, Writes: []Write{{"a", []byte("\"\xff\"")}}},
	} {
		var fault *Fault
		if err := c.Encode(); !errors.As(err, &fault) || fault.Code != code || c.Bytes != nil {
			t.Errorf("want fault %s and no bytes, got %v", code, err)
		}
	}
	sly := good()
	sly.Writes[0].Value = []byte(`1,"other":2`)
	if err := sly.Encode(); err == nil {
		t.Error("a value that is two members was encoded")
	}
}

func TestAValueTypedOverSeveralLinesBecomesOne(t *testing.T) {
	c := &Change{Dot: Dot{testReplica, 7}, Record: labRecord, Kind: "interview", Op: OpEdit, Writes: []Write{{"gps", []byte("{\n \"lat\": 1\n}")}}}
	if err := c.Encode(); err != nil || bytes.IndexByte(c.Bytes, '\n') >= 0 {
		t.Fatalf("got %q, %v", c.Bytes, err)
	}
}

func TestTextKeepsTheFormItWasTypedIn(t *testing.T) {
	nfd := "Nguye\u0302\u0303n <b>&\u2028</b>"
	c := &Change{Dot: Dot{testReplica, 7}, Record: labRecord, Kind: "interview", Op: OpEdit, Writes: []Write{{"address", appendText(nil, nfd)}}}
	if err := c.Encode(); err != nil {
		t.Fatal(err)
	}
	back, fault := DecodeChange(testReplica, c.Bytes)
	if fault != nil || !bytes.Contains(back.Writes[0].Value, []byte(nfd)) {
		t.Fatalf("%q came back as %q, %v", nfd, back.Writes[0].Value, fault)
	}
}

func TestEveryChangeComesBackFromItsBytes(t *testing.T) {
	a := newAuthor(3)
	a.household(t, testRound, "01969-03")
	was := Dot{testReplica, 9}
	a.write(t, &Change{Record: labRecord, Kind: "interview", Op: OpResolve, Scope: "01969-03", Parents: []Dot{{a.replica, 1}, {testReplica, 4}},
		Writes: []Write{{"water", []byte(`null`)}}, Why: "hỏi lại chủ hộ: \"nước mưa\"", Tag: "a1f0", Was: &was})
	for _, l := range a.lines {
		again := *l.Change
		again.Bytes = nil
		if err := again.Encode(); err != nil || !bytes.Equal(again.Bytes, l.Bytes) {
			t.Fatalf("%s\nbecame\n%s (%v)", l.Bytes, again.Bytes, err)
		}
		if back, fault := DecodeChange(a.replica, again.Bytes); fault != nil || !reflect.DeepEqual(back, l.Change) {
			t.Fatalf("decoded anew it is %+v, want %+v", back, l.Change)
		}
	}
}

// FuzzDecodeChange holds the scanner to encoding/json: what the scanner accepts, encoding/json accepts, and means the same by it.
func FuzzDecodeChange(f *testing.F) {
	a := newAuthor(3)
	a.household(f, testRound, "01969-03")
	for _, l := range a.lines {
		f.Add(l.Bytes)
	}
	for _, s := range []string{line(""), line(`"p":["` + testReplica + `:1"]`), line(`"zz":[{"a":1e-5}]`), line(`"was":"` + testReplica + `:3","x":"a"`), `{"s":1`, "null"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		kept := bytes.Clone(in)
		c, fault := DecodeChange(testReplica, in)
		if !bytes.Equal(kept, in) {
			t.Fatal("the line was altered")
		}
		if fault != nil {
			if fault.Code == "" || c != nil {
				t.Fatalf("fault %+v with change %+v", fault, c)
			}
			return
		}
		if !utf8.Valid(in) {
			t.Fatal("accepted what is not UTF-8")
		}
		var fields struct {
			W   map[string]json.RawMessage
			P   []string
			Was *string
			Why string
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(in, &raw); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", in, err)
		}
		for name, into := range map[string]any{"s": new(uint64), "at": new(int64), "n": new(uint64), "w": &fields.W, "p": &fields.P, "why": &fields.Why, "was": &fields.Was} {
			if v, ok := raw[name]; ok {
				if err := json.Unmarshal(v, into); err != nil {
					t.Fatalf("member %s of %q: %v", name, in, err)
				}
			}
		}
		if len(fields.W) != len(c.Writes) || len(fields.P) != len(c.Parents) || fields.Why != c.Why || (fields.Was == nil) != (c.Was == nil) {
			t.Fatalf("%q: read as %+v, want %+v", in, c, fields)
		}
		for _, w := range c.Writes {
			if want := fields.W[w.Unit]; !bytes.Equal(bytes.TrimSpace(want), w.Value) {
				t.Fatalf("unit %q of %q is %q, want %q", w.Unit, in, w.Value, want)
			}
		}
		r := NewRecord(c.Record, c.Kind)
		r.Apply(c)
		if r.Apply(c) || r.SeenCount() != 1 {
			t.Fatalf("%q counts twice", in)
		}
		for _, w := range c.Writes {
			Canonical(w.Value)
		}
	})
}
