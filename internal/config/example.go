package config

import _ "embed"

// Example is a commented nightshift.yaml that shows every key.
//
//go:embed example.yaml
var Example string
