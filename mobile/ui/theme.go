package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Colours: black on white for use in sunlight; every text colour has a contrast of 7:1 or more against its ground.
var (
	ink       = color.NRGBA{A: 0xff}
	paper     = color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}
	faint     = color.NRGBA{R: 0x3a, G: 0x3f, B: 0x46, A: 0xff}
	line      = color.NRGBA{R: 0x5a, G: 0x62, B: 0x6c, A: 0xff}
	ground    = color.NRGBA{R: 0xf2, G: 0xf4, B: 0xf7, A: 0xff}
	blue      = color.NRGBA{R: 0x0b, G: 0x3d, B: 0x91, A: 0xff}
	blueLight = color.NRGBA{R: 0xdd, G: 0xe8, B: 0xfb, A: 0xff}
	green     = color.NRGBA{R: 0x00, G: 0x4d, B: 0x1a, A: 0xff}
	amber     = color.NRGBA{R: 0x66, G: 0x3c, B: 0x00, A: 0xff}
	amberPale = color.NRGBA{R: 0xff, G: 0xf3, B: 0xd6, A: 0xff}
	red       = color.NRGBA{R: 0x8f, G: 0x00, B: 0x00, A: 0xff}
	redPale   = color.NRGBA{R: 0xfd, G: 0xe6, B: 0xe6, A: 0xff}
)

// Sizes in dp. touchHeight is the least height of anything that can be tapped.
const (
	textBase    = 18
	touchHeight = 52
	gapWidth    = 10
	edge        = 14
)

// TextSizes are the sizes a person may choose from, in dp.
var TextSizes = []float32{18, 22, 28}

// appTheme is black on white with large text. It never uses the bundled monospace font, which lets the marks of stacked
// Vietnamese vowels collapse.
type appTheme struct {
	fyne.Theme
	text float32
}

func newTheme(text float32) *appTheme { return &appTheme{Theme: theme.DefaultTheme(), text: text} }

func (t *appTheme) Font(style fyne.TextStyle) fyne.Resource {
	style.Monospace = false
	return t.Theme.Font(style)
}

func (t *appTheme) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	switch name {
	case theme.ColorNameBackground, theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground, theme.ColorNameInputBackground:
		return paper
	case theme.ColorNameForeground:
		return ink
	case theme.ColorNamePrimary, theme.ColorNameHyperlink, theme.ColorNameFocus:
		return blue
	case theme.ColorNameForegroundOnPrimary:
		return paper
	case theme.ColorNameInputBorder, theme.ColorNameSeparator, theme.ColorNameScrollBar:
		return line
	case theme.ColorNamePlaceHolder, theme.ColorNameDisabled:
		return faint
	case theme.ColorNameError:
		return red
	case theme.ColorNameSelection:
		return blueLight
	}
	return t.Theme.Color(name, theme.VariantLight)
}

func (t *appTheme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText, theme.SizeNameCaptionText:
		return t.text
	case theme.SizeNameSubHeadingText:
		return t.text * 1.15
	case theme.SizeNameHeadingText:
		return t.text * 1.3
	case theme.SizeNameInnerPadding:
		return 12
	case theme.SizeNameInlineIcon:
		return 28
	case theme.SizeNameScrollBar:
		return 12
	case theme.SizeNameScrollBarSmall:
		return 6
	case theme.SizeNameInputBorder:
		return 2
	}
	return t.Theme.Size(name)
}
