package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"nightshift/internal/cost"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
)

// store puts the finished report where it belongs. What was paid for is not thrown
// away: where there is a file, an upload that fails is a problem of the report.
func (c *crew) store(ctx context.Context, job reportJob, file *os.File, report *sheet.Workbook) (cost.Answer, error) {
	key := cost.Key(job.prefix, report.Generated, job.format.ending)
	if job.bucket != "" {
		err := c.session.Bucket(job.bucket).Put(ctx, key, job.format.media, file)
		if err != nil && job.out == "" {
			return cost.Answer{}, err
		}
		if err != nil {
			report.Problems = append(report.Problems, cost.Problem{What: "upload", Err: err})
			job.bucket = ""
		}
	}
	if job.out != "" {
		if err := place(file, job.out); err != nil {
			return cost.Answer{}, fmt.Errorf("write the report: %w", err)
		}
	}
	answer := report.Written(job.out)
	switch {
	case job.bucket != "":
		answer = report.Uploaded(job.bucket, key)
		if job.out != "" {
			answer.Body += " and written to " + job.out
		}
	case job.out == "":
		answer.Body = "Report made and not stored (dry run)"
	}
	return answer, nil
}

// place gives the finished file its name, and the permissions of the file that had
// the name before or, where there was none, those of any new file.
func place(file *os.File, name string) error {
	mode, err := modeOf(name)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Chmod(mode), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// modeOf are the permissions that a file has or, if it is not there, would get.
func modeOf(name string) (fs.FileMode, error) {
	if info, err := os.Lstat(name); err == nil {
		return info.Mode().Perm(), nil
	}
	// Only a file that is made tells what the umask leaves of them.
	probe := filepath.Join(filepath.Dir(name), fmt.Sprintf(".nightshift-%d", os.Getpid()))
	file, err := os.OpenFile(probe, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return 0, err
	}
	defer os.Remove(probe)
	info, err := file.Stat()
	if err := cmp.Or(err, file.Close()); err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}

// checkPlaces finds out before anything is read whether the report could be
// stored where it should.
func checkPlaces(job reportJob) error {
	if !strings.HasPrefix(job.bucket, "arn:") && !regexp.MustCompile(`^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$`).MatchString(job.bucket) {
		return fleet.Errorf(fleet.ErrInvalid, "--bucket %q: not the name of a bucket", job.bucket)
	}
	if job.out == "" {
		return nil
	}
	folder := filepath.Dir(job.out)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fleet.Errorf(fleet.ErrInvalid, "--out %s: there is no folder %s; make it first", job.out, folder)
	}
	switch info, err := os.Stat(job.out); {
	case job.out == "-":
		return fleet.Errorf(fleet.ErrInvalid, "--out -: a report is not printed; name a file")
	case err != nil: // it is not there yet
	case info.IsDir():
		return fleet.Errorf(fleet.ErrInvalid, "--out %s: this is a folder; name a file in it", job.out)
	case !info.Mode().IsRegular():
		return fleet.Errorf(fleet.ErrInvalid, "--out %s: this is no file; name one", job.out)
	}
	// The report would take the place of the link, and not of what is behind it.
	if info, err := os.Lstat(job.out); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return fleet.Errorf(fleet.ErrInvalid, "--out %s: this is a symbolic link%s; name the file itself", job.out, target(job.out))
	}
	trial, err := os.CreateTemp(folder, ".nightshift-*")
	if err != nil {
		return fleet.Errorf(fleet.ErrInvalid, "--out %s: nothing can be written there: %w", job.out, err)
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// target says where a link leads, if that can be read.
func target(link string) string {
	to, err := os.Readlink(link)
	if err != nil {
		return ""
	}
	return " to " + to
}
