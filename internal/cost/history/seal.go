package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// sumKey is the key of the file's metadata under which the SHA-256 of the whole
// file is, made while unsealed was there. The checksums of Parquet do not
// cover the footer, and a decoder that believes a damaged footer may read
// outside of its memory: files are checked before anything is decoded.
const sumKey = "nightshift.sha256"

// unsealed is what stands for the checksum while it is not known.
const unsealed = "0000000000000000000000000000000000000000000000000000000000000000"

// sumAt is where the checksum is in a file; it is false where there is
// none. The metadata are a Thrift structure in the compact protocol, in which a
// value follows its key after the number and type of its field and its length,
// one byte each.
func sumAt(file []byte) (from, to int, ok bool) {
	key := bytes.LastIndex(file, []byte(sumKey))
	from = key + len(sumKey) + 2
	to = from + len(unsealed)
	return from, to, key >= 0 && to <= len(file) && int(file[from-1]) == len(unsealed)
}

// seal writes the checksum of an unsealed file into it.
func seal(file []byte) error {
	from, to, ok := sumAt(file)
	if !ok || string(file[from:to]) != unsealed {
		return errors.New("the file has no place for its checksum")
	}
	sum := sha256.Sum256(file)
	hex.Encode(file[from:to], sum[:])
	return nil
}

// intact compares a file with its checksum.
func intact(file []byte) error {
	from, to, ok := sumAt(file)
	if !ok {
		return errors.New("it was not written by nightshift, or its end is missing")
	}
	hash := sha256.New()
	for _, part := range [][]byte{file[:from], []byte(unsealed), file[to:]} {
		hash.Write(part)
	}
	if hex.EncodeToString(hash.Sum(nil)) != string(file[from:to]) {
		return errors.New("its checksum is another")
	}
	return nil
}
