package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// schema measures what atg knows of Azure's resource types, and how soon the types of a tenant are known in a new process. The
// reference is the same once more in that process.
func (b bench) schema(ctx context.Context) ([]figure, error) {
	names, err := b.command(ctx, b.built("bareschema")).Output()
	if err != nil {
		return nil, err
	}
	types := strings.Fields(string(names))
	var first, again []float64
	var known struct {
		First float64 `json:"first_ms"`
		Again float64 `json:"again_ms"`
		Found int     `json:"found"`
		Types int     `json:"types"`
		Bytes int     `json:"bytes"`
	}
	for range b.runs {
		out, err := b.command(ctx, b.built("bareschema"), types...).Output()
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(out, &known); err != nil {
			return nil, err
		}
		if known.Found != len(types) {
			return nil, errors.New("some types are unknown")
		}
		first, again = append(first, known.First), append(again, known.Again)
	}
	return []figure{
		{Name: "schema_types", Value: float64(known.Types), Unit: "types", Note: "resource types of which it is known what can be written"},
		{Name: "schema_bytes", Value: float64(known.Bytes), Unit: "bytes", Note: "of the program"},
		{Name: "schema_load_ms", Value: round(median(first)), Unit: "ms", Goal: "<= 20", Reference: round(median(again)),
			Note: fmt.Sprintf("first use of %d types in a new process, median of %d; the reference is the second use", len(types), b.runs)},
	}, nil
}
