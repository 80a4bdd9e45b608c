package tablet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// tidy brings an answer to the form in which it is kept: one JSON text, number, truth value, null or small object, its texts
// in NFC (a keyboard that types a letter and its mark apart must not make another name of it).
func tidy(v json.RawMessage) (json.RawMessage, error) {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return json.RawMessage("null"), nil
	}
	if !json.Valid(v) || v[0] == '[' {
		return nil, fmt.Errorf("not a value")
	}
	if norm.NFC.IsNormal(v) && !bytes.Contains(v, []byte(`\u`)) {
		var b bytes.Buffer
		err := json.Compact(&b, v)
		return b.Bytes(), err
	}
	dec := json.NewDecoder(bytes.NewReader(v))
	dec.UseNumber()
	var any any
	if err := dec.Decode(&any); err != nil {
		return nil, err
	}
	return encode(compose(any)), nil
}

func compose(v any) any {
	switch v := v.(type) {
	case string:
		return norm.NFC.String(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[norm.NFC.String(k)] = compose(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = compose(v[i])
		}
	}
	return v
}

// encode writes JSON without the escapes that only web pages need.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Text makes the value of a text or a code.
func Text(s string) json.RawMessage { return encode(norm.NFC.String(strings.ToValidUTF8(s, "\ufffd"))) }

// Number makes a value of a number written with a decimal point, e.g. "32.5"; null when it is none.
func Number(text string) json.RawMessage {
	if json.Valid([]byte(text)) && len(text) > 0 && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') {
		return json.RawMessage(text)
	}
	return json.RawMessage("null")
}

// Object makes the value of a unit of several fields.
func Object(fields map[string]any) json.RawMessage { return encode(compose(fields)) }
