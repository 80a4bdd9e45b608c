package ui

import (
	_ "embed"
	"encoding/json"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
)

// wordsFile is every text of the screens: key to [Vietnamese, English]. "{name}" marks are filled in.
//
//go:embed words.json
var wordsFile []byte

var words = readWords()

func readWords() map[string][2]string {
	m := map[string][2]string{}
	if err := json.Unmarshal(wordsFile, &m); err != nil {
		panic("words.json: " + err.Error()) // embedded: a test reads it
	}
	return m
}

func (a *App) has(key string) bool {
	_, ok := words[key]
	return ok
}

// t is the text of a key in the chosen language; pairs are marks and what stands for them: t("people", "n", "4").
func (a *App) t(key string, pairs ...string) string {
	w, ok := words[key]
	if !ok {
		return key
	}
	text := w[0]
	if a.lang == "en" {
		text = w[1]
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// fyneWords are the words Fyne itself shows, in the menus of its entries. It has no Vietnamese and follows the system's
// language only, so they are registered for that one, whichever it is.
var fyneWords = map[string][2]string{
	"Advanced": {"Nâng cao", "Advanced"}, "Cancel": {"Hủy", "Cancel"}, "Confirm": {"Xác nhận", "Confirm"},
	"Copy": {"Sao chép", "Copy"}, "Create Folder": {"Tạo thư mục", "Create Folder"}, "Cut": {"Cắt", "Cut"},
	"Enter filename": {"Nhập tên tệp", "Enter filename"}, "Error": {"Lỗi", "Error"}, "Favourites": {"Ưa thích", "Favourites"},
	"File": {"Tệp", "File"}, "Folder": {"Thư mục", "Folder"}, "New Folder": {"Thư mục mới", "New Folder"}, "No": {"Không", "No"},
	"OK": {"Được", "OK"}, "Open": {"Mở", "Open"}, "Paste": {"Dán", "Paste"}, "Quit": {"Thoát", "Quit"}, "Redo": {"Làm lại", "Redo"},
	"Save": {"Lưu", "Save"}, "Select all": {"Chọn tất cả", "Select all"}, "Show Hidden Files": {"Hiện tệp ẩn", "Show Hidden Files"},
	"Undo": {"Hoàn tác", "Undo"}, "Yes": {"Có", "Yes"},
}

// useFyneWords gives Fyne's own words in the chosen language to the system's locale and to that language's own.
func useFyneWords(chosen string) {
	i := 0
	if chosen == "en" {
		i = 1
	}
	table := map[string]string{}
	for key, w := range fyneWords {
		table[key] = w[i]
	}
	data, err := json.Marshal(table)
	if err != nil {
		return // a map of strings always can be written
	}
	for _, locale := range []fyne.Locale{lang.SystemLocale(), "vi", "en"} {
		if err := lang.AddTranslationsForLocale(data, locale); err != nil {
			fyne.LogError("words for "+locale.String(), err)
		}
	}
}
