-- Blob containers that can be read without an account: blobs by those who know their names, or the whole container.
SELECT container.id, container.name, container.subscription, container.properties ->> '$.publicAccess' AS public_access,
  coalesce(account.properties ->> '$.allowBlobPublicAccess', 1) = 1 AS account_allows
FROM resources AS container
LEFT JOIN resources AS account ON account.key = substr(container.key, 1, instr(container.key, '/blobservices/') - 1)
WHERE container.type = 'microsoft.storage/storageaccounts/blobservices/containers'
  AND coalesce(container.properties ->> '$.publicAccess', 'None') <> 'None'
ORDER BY container.key
