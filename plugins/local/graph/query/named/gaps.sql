-- What the scan could not read, and why.
SELECT name AS subscription, scope, kind, state, listed, expected, code, message
FROM coverage WHERE state NOT IN ('listed', 'limited', 'skipped')
