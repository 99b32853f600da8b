// Checks a log, the proof of one entry, or that one checkpoint goes on from another, with golang.org/x/mod/sumdb/{note,tlog}:
//
//	gotlog log ROOT VKEY [OLD_SIZE OLD_ROOT]   every entry, every tile, the checkpoint; consistency with an earlier root in base64
//	gotlog proof FILE VKEY ENTRY               a .tlog-proof file and the bytes of its entry
//	gotlog consistency FILE VKEY CHECKPOINT    the body of a witness's add-checkpoint, and the earlier checkpoint that it goes on from
//
// Ends with 1 and a line that begins with FAIL when anything does not hold.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tiles struct{ root string }

func (t tiles) Height() int                         { return 8 }
func (t tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		// sumdb writes the height into the path, tlog-tiles does not.
		path := strings.Replace(strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(t.root, path))
		if err != nil {
			return nil, err
		}
		read = append(read, bytes)
	}
	return read, nil
}

func must(err error) {
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

func open(checkpoint []byte, vkeyFile string) tlog.Tree {
	vkey, err := os.ReadFile(vkeyFile)
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(err)
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	if lines[0] != verifier.Name() {
		must(fmt.Errorf("the origin is %q", lines[0]))
	}
	return tlog.Tree{N: size, Hash: root}
}

func log(root, vkey string, earlier []string) {
	checkpoint, err := os.ReadFile(filepath.Join(root, "checkpoint"))
	must(err)
	tree := open(checkpoint, vkey)
	store := tiles{root}
	hashes := tlog.TileHashReader(tree, store)
	for first := int64(0); first < tree.N; first += 256 {
		width := tree.N - first
		if width > 256 {
			width = 256
		}
		bundle, err := store.ReadTiles([]tlog.Tile{{H: 8, L: -1, N: first / 256, W: int(width)}})
		must(err)
		rest := bundle[0]
		for i := first; i < first+width; i++ {
			if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
				must(fmt.Errorf("entry %d is missing", i))
			}
			entry := rest[2 : 2+binary.BigEndian.Uint16(rest)]
			rest = rest[2+len(entry):]
			proof, err := tlog.ProveRecord(tree.N, i, hashes)
			must(err)
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(entry)))
		}
	}
	fmt.Printf("%d entries\n", tree.N)
	if len(earlier) == 2 {
		size, err := strconv.ParseInt(earlier[0], 10, 64)
		must(err)
		old, err := tlog.ParseHash(earlier[1])
		must(err)
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		must(err)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, size, old))
		fmt.Printf("consistent with %d\n", size)
	}
}

func proof(file, vkey, entryFile string) {
	text, err := os.ReadFile(file)
	must(err)
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		must(fmt.Errorf("no tlog-proof"))
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err)
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		bytes, err := base64.StdEncoding.DecodeString(line)
		must(err)
		var hash tlog.Hash
		copy(hash[:], bytes)
		path = append(path, hash)
	}
	entry, err := os.ReadFile(entryFile)
	must(err)
	tree := open([]byte(checkpoint), vkey)
	must(tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
	fmt.Printf("entry %d of %d\n", index, tree.N)
}

func consistency(file, vkey, earlier string) {
	text, err := os.ReadFile(file)
	must(err)
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	note, err := os.ReadFile(earlier)
	must(err)
	old, tree := open(note, vkey), open([]byte(checkpoint), vkey)
	if !found || lines[0] != fmt.Sprintf("old %d", old.N) {
		must(fmt.Errorf("no proof of consistency with %d", old.N))
	}
	var path tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		must(err)
		path = append(path, hash)
	}
	must(tlog.CheckTree(path, tree.N, tree.Hash, old.N, old.Hash))
	fmt.Printf("consistent with %d\n", old.N)
}

func main() {
	switch {
	case len(os.Args) >= 4 && os.Args[1] == "log":
		log(os.Args[2], os.Args[3], os.Args[4:])
	case len(os.Args) == 5 && os.Args[1] == "proof":
		proof(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 5 && os.Args[1] == "consistency":
		consistency(os.Args[2], os.Args[3], os.Args[4])
	default:
		must(fmt.Errorf("usage: gotlog log ROOT VKEY [OLD_SIZE OLD_ROOT] | gotlog proof FILE VKEY ENTRY | gotlog consistency FILE VKEY CHECKPOINT"))
	}
}
