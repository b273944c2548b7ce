-- What is kept as it is: databases without transparent encryption, and variables of automation accounts.
SELECT id, name, type, subscription FROM resources
WHERE (type = 'microsoft.sql/servers/databases/transparentdataencryption' AND coalesce(properties ->> '$.state', properties ->> '$.status') = 'Disabled')
  OR (type = 'microsoft.automation/automationaccounts/variables' AND NOT coalesce(properties ->> '$.isEncrypted', 0))
ORDER BY key
