// SPDX-License-Identifier: Apache-2.0

// Sumdb holds what our ledger exports against the code that Go's own checksum database is read with:
// golang.org/x/mod/sumdb/note and sumdb/tlog. Nothing of ours is used.
//
//	sumdb KEY LOG PROOF CONSISTENCY
//
// KEY is a verifier key; LOG the folder of a static log (c2sp.org/tlog-tiles); PROOF a proof file
// (c2sp.org/tlog-proof) of an entry in it; CONSISTENCY a consistency proof that ends in its checkpoint. One line is
// printed for each thing that holds; the first that does not ends the run with exit code 1.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // tiles of 256 hashes

// tiles reads the tiles of c2sp.org/tlog-tiles, whose paths are those of sumdb without the height.
type tiles struct{ folder string }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		content, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		data = append(data, content)
	}
	return data, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads the bundle of entries of one level-0 tile.
func (t tiles) entries(tile tlog.Tile) ([][]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	content, err := os.ReadFile(filepath.Join(t.folder, path))
	if err != nil {
		return nil, err
	}
	var bodies [][]byte
	for len(content) >= 2 {
		size := int(binary.BigEndian.Uint16(content))
		if len(content) < 2+size {
			return nil, errors.New("a bundle ends early")
		}
		bodies = append(bodies, content[2:2+size])
		content = content[2+size:]
	}
	if len(content) != 0 || len(bodies) != tile.W {
		return nil, fmt.Errorf("%s does not hold %d entries", path, tile.W)
	}
	return bodies, nil
}

// open opens a signed checkpoint with Go's note package.
func open(content []byte, key string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(content, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("not a checkpoint of this ledger")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, line := range lines {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, fmt.Errorf("not a hash: %q", line)
		}
		all = append(all, tlog.Hash(*(*[tlog.HashSize]byte)(raw)))
	}
	return all, nil
}

// split parts a proof into the lines of its head and the checkpoint behind the first blank line.
func split(path string) ([]string, []byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	at := strings.Index(string(content), "\n\n")
	if at < 0 {
		return nil, nil, errors.New(path + " has no blank line")
	}
	return strings.Split(string(content[:at]), "\n"), content[at+2:], nil
}

func run(key, folder, proofPath, consistencyPath string) error {
	content, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(content, key)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Printf("checkpoint of %d entries: note.Open\n", tree.N)

	log := tiles{folder}
	reader := tlog.TileHashReader(tree, log)
	var bodies [][]byte
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		bundle, err := log.entries(tlog.Tile{H: height, N: first >> height, W: int(width)})
		if err != nil {
			return err
		}
		bodies = append(bodies, bundle...)
	}
	var indexes []int64
	for at := range bodies {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(at)))
	}
	leaves, err := reader.ReadHashes(indexes)
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	for at, body := range bodies {
		if tlog.RecordHash(body) != leaves[at] {
			return fmt.Errorf("entry %d is not the one under its tile", at)
		}
		proof, err := tlog.ProveRecord(tree.N, int64(at), reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(at), leaves[at]); err != nil {
			return err
		}
	}
	fmt.Printf("%d entries under the tiles: tlog.TileHashReader, tlog.CheckRecord\n", len(bodies))

	head, signed, err := split(proofPath)
	if err != nil {
		return err
	}
	if len(head) < 2 || head[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof file")
	}
	under, err := open(signed, key)
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(head[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := hashes(head[2:])
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, under.N, under.Hash, index, tlog.RecordHash(bodies[index])); err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	fmt.Printf("our proof of entry %d: tlog.CheckRecord\n", index)

	head, signed, err = split(consistencyPath)
	if err != nil {
		return err
	}
	if len(head) < 3 || head[0] != "governance/consistency-proof@v1" {
		return errors.New("not a consistency proof")
	}
	under, err = open(signed, key)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	old := strings.Fields(head[1])
	size, err := strconv.ParseInt(old[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(old[2])
	if err != nil {
		return err
	}
	path, err = hashes(head[3:])
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(path, under.N, under.Hash, size, root); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	expected, err := tlog.TreeHash(size, reader)
	if err != nil || expected != root {
		return fmt.Errorf("consistency: the tiles give another root of %d entries", size)
	}
	fmt.Printf("our proof that %d entries begin these %d: tlog.CheckTree, tlog.TreeHash\n", size, under.N)
	return nil
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: sumdb KEY LOG PROOF CONSISTENCY")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
