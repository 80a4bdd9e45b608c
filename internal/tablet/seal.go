package tablet

import "encoding/json"

// Sealer closes and opens what is personal before it is written and after it is read. place names the row and column, so
// that a sealed value cannot be moved to another row unnoticed. A Sealer must be safe for concurrent use.
type Sealer interface {
	Seal(place string, plain []byte) ([]byte, error)
	Open(place string, sealed []byte) ([]byte, error)
}

// Plain is the Sealer that changes nothing.
var Plain Sealer = plain{}

type plain struct{}

func (plain) Seal(_ string, b []byte) ([]byte, error) { return b, nil }
func (plain) Open(_ string, b []byte) ([]byte, error) { return b, nil }

// sealJSON writes v as JSON and seals it.
func (s *Store) sealJSON(place string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return s.sealer.Seal(place, b)
}

// openJSON opens a sealed value and reads it into v.
func (s *Store) openJSON(place string, sealed []byte, v any) error {
	b, err := s.sealer.Open(place, sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
