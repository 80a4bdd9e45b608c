package survey

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rasoat/rasoat/schema"
)

func classifyText(t *testing.T, in string) []string {
	t.Helper()
	var out bytes.Buffer
	if _, err := Classify(strings.NewReader(in), &out, schema.Builtin(), "vi"); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestSmoke(t *testing.T) {
	for _, l := range classifyText(t, `{"id":"1","standard":"vn-2021","area_type":"rural","w":{"review_date":"2026-10-01","b1_score":140,"m/a/birth":"1990-05-01"}}
{"id":2,"standard":"vn-2021","w":{}}
{"id":"3","standard":"vn-2021","area_type":"urban","w":{"b1_score":"140","house_area":31.9,"hous":3,"m/a/birth":"1990","m/a/name":"Nông Thị Lan"}}
{"id":"4"}
nonsense
`) {
		t.Log(l)
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Error(err)
		}
	}
}
