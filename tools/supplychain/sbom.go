package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The part of CycloneDX 1.6 that is used: https://cyclonedx.org/docs/1.6/json/
type (
	bom struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		SpecVersion  string       `json:"specVersion"`
		SerialNumber string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp,omitempty"`
		Component component `json:"component"`
	}
	component struct {
		Ref        string     `json:"bom-ref"`
		Type       string     `json:"type"` // application or library
		Name       string     `json:"name"`
		Version    string     `json:"version,omitempty"`
		PURL       string     `json:"purl,omitempty"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Licenses   []license  `json:"licenses,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	license struct {
		Expression string `json:"expression"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// sbom writes the bill of materials of an archive. Its time is SOURCE_DATE_EPOCH, if that is set; the same archive gives the same bytes.
func sbom(archive, version, licenses, to string) error {
	known := licensed{}
	if licenses != "" {
		content, err := os.ReadFile(licenses)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(content, &known); err != nil {
			return fmt.Errorf("%s: %w", licenses, err)
		}
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	b, err := billOf(filepath.Base(archive), version, content, known)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		b.Metadata.Timestamp = time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	}
	return writeJSON(to, b)
}

// billOf is the bill of materials of an archive of that name, with programs of that version. A module without a licence in known is an error.
func billOf(name, version string, archive []byte, known licensed) (*bom, error) {
	files, err := unpack(name, archive)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(archive)
	b := &bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", Version: 1, SerialNumber: uuid(sum),
		Metadata: metadata{Component: component{Ref: "archive", Type: "application", Name: name, Version: version, Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sum)}}, Licenses: []license{{"Apache-2.0"}}}},
	}
	modules := map[string]component{}
	root := dependency{Ref: "archive"}
	for _, file := range sorted(files) {
		info, err := buildinfo.Read(bytes.NewReader(files[file]))
		if err != nil {
			continue // no Go program
		}
		program, needs, err := programOf(file, version, files[file], info, known, modules)
		if err != nil {
			return nil, err
		}
		b.Components = append(b.Components, program)
		b.Dependencies = append(b.Dependencies, needs)
		root.DependsOn = append(root.DependsOn, program.Ref)
	}
	if len(root.DependsOn) == 0 {
		return nil, errors.New("there is no Go program in it")
	}
	for _, ref := range sorted(modules) {
		b.Components = append(b.Components, modules[ref])
	}
	b.Dependencies = append([]dependency{root}, b.Dependencies...)
	return b, nil
}

// programOf is the component of a program, and its modules, which are added to modules.
func programOf(file, version string, content []byte, info *debug.BuildInfo, known licensed, modules map[string]component) (component, dependency, error) {
	program := component{
		Ref: "program:" + path.Base(file), Type: "application", Name: path.Base(file), Version: version,
		Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(content))}}, Licenses: []license{{"Apache-2.0"}},
		Properties: []property{{"path", file}, {"go:version", info.GoVersion}},
	}
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "CGO_ENABLED" {
			program.Properties = append(program.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	needs := dependency{Ref: program.Ref}
	deps := append([]*debug.Module{{Path: standard, Version: strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")}}, info.Deps...)
	for _, d := range deps {
		for d.Replace != nil {
			d = d.Replace
		}
		ids := known[d.Path+"@"+d.Version]
		if len(ids) == 0 {
			return program, needs, fmt.Errorf("nothing is known of the licence of %s %s, which %s links", d.Path, d.Version, file)
		}
		c := component{Type: "library", Name: d.Path, Version: d.Version, PURL: "pkg:golang/" + d.Path + "@" + url.PathEscape(d.Version), Licenses: []license{{strings.Join(ids, " AND ")}}}
		if d.Sum != "" {
			c.Properties = []property{{"go:sum", d.Sum}}
		}
		c.Ref = c.PURL
		modules[c.Ref] = c
		needs.DependsOn = append(needs.DependsOn, c.Ref)
	}
	slices.Sort(needs.DependsOn)
	return program, needs, nil
}

// uuid is one of version 8 that follows from a sum.
func uuid(sum [32]byte) string {
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// mostContent is how much of one file in an archive is read.
const mostContent = 1 << 30

// unpack reads the regular files of a .tar.gz or .zip.
func unpack(name string, archive []byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	read := func(name string, r io.Reader) (err error) {
		files[name], err = io.ReadAll(io.LimitReader(r, mostContent))
		return err
	}
	if strings.HasSuffix(name, ".zip") {
		z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			return nil, err
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				return nil, err
			}
			if !f.FileInfo().IsDir() {
				err = read(f.Name, r)
			}
			if err = cmp.Or(err, r.Close()); err != nil {
				return nil, err
			}
		}
		return files, nil
	}
	g, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	for t := tar.NewReader(g); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			err = read(h.Name, t)
		}
		if err != nil {
			return nil, err
		}
	}
}
