package main

import (
	_ "embed"

	"fyne.io/fyne/v2"
)

//go:generate go run ./icon Icon.png

//go:embed Icon.png
var iconPNG []byte

var icon = fyne.NewStaticResource("Icon.png", iconPNG)
