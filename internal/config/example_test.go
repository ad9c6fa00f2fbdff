package config_test

import (
	"fmt"
	"io"
	"strings"

	"nightshift/internal/config"
)

// Every error is reported at once, with its place and what was probably meant.
func ExampleLoad() {
	file := `timezone: Asia/Seoul
schedules:
  office-hours: Mon-Fri 08:00-19:00
power:
  rules:
    - { tag: Team=학습, schedule: ofice-hours }
    - { tag: Schedule, enfroce: true }
`
	_, err := config.Load("nightshift.yaml", func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(file)), nil
	})
	fmt.Println(err)
	// Output:
	// nightshift.yaml:6:33: there is no schedule "ofice-hours": did you mean "office-hours"?
	//         - { tag: Team=학습, schedule: ofice-hours }
	//                                       ^
	// nightshift.yaml:7:24: a rule has no key "enfroce": did you mean "enforce"?
	//         - { tag: Schedule, enfroce: true }
	//                            ^
}

// A tag's value names a schedule of the file, or is one.
func ExampleConfig_Find() {
	c, err := config.Load("nightshift.yaml", func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("timezone: Asia/Seoul\nschedules: {office-hours: Mon-Fri 08:00-19:00}\n")), nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range []string{"office-hours", "Sat 10:00-14:00 Europe/London", "office_hours"} {
		named, err := c.Find(value, nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(named.Name, "in", named.Schedule.Zone())
	}
	// Output:
	// office-hours in Asia/Seoul
	// Sat 10:00-14:00 Europe/London in Europe/London
	// there is no schedule "office_hours": did you mean "office-hours"?
}
