package azuresim

import (
	"encoding/json"
	"net/http"
)

// whatIf answers POST …/whatIf: 202, and at the Location the changes.
// https://learn.microsoft.com/rest/api/resources/deployments/what-if
func (s *Server) whatIf(w http.ResponseWriter, r *http.Request, c *call, d deploymentCall) *armError {
	made, failure := s.load(w, r, c, d)
	var result map[string]any
	switch {
	case failure != nil && failure.Code == "InvalidRequestContent":
		return failure
	case failure != nil:
		result = map[string]any{"status": "Failed", "error": failure}
	default:
		changes := made.WhatIf(plane{s, c.caller})
		result = map[string]any{"status": "Succeeded", "properties": map[string]any{"correlationId": correlationID(w), "changes": changes}}
	}
	body, err := json.Marshal(result)
	if err != nil {
		return newARMError(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	s.accept(w, r, c, s.operations.add(acceptedOperation{at: s.config.Now(), body: body}))
	return nil
}
