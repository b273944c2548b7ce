package query

import (
	"slices"

	"modernc.org/sqlite"
)

// jsonColumns are the columns of tables that hold JSON.
var jsonColumns = []string{"sku", "plan", "tags", "identity", "zones", "extended_location", "extra", "properties", "raw", "fault"}

// booleans are the columns of tables and views that hold 0 and 1.
var booleans = []string{"enabled", "reversed", "guest", "direct", "inherited", "complete", "filtered"}

// columns are those of a statement that has been compiled.
func (s *session) columns(statement string) (columns []column, err error) {
	infos, err := s.columnInfo(statement)
	for _, info := range infos {
		c := column{name: info.Name}
		stored := info.TableName != "" && info.DatabaseName == "main"
		switch {
		case slices.Contains(booleans, info.OriginName), !stored && slices.Contains(booleans, info.Name):
			c.class = classBoolean
		case stored && slices.Contains(jsonColumns, info.OriginName), !stored && slices.Contains(jsonColumns, info.Name):
			c.class = classJSON
		case stored && info.DeclType == "TEXT":
			c.class = classText
		}
		columns = append(columns, c)
	}
	return columns, err
}

func (s *session) columnInfo(statement string) (infos []sqlite.ColumnInfo, err error) {
	err = s.conn.Raw(func(driver any) error {
		infos, err = driver.(interface {
			ColumnInfo(query string) ([]sqlite.ColumnInfo, error)
		}).ColumnInfo(statement)
		return err
	})
	return infos, err
}

// columnsOf are the names of the columns of a view; none if there is no such view.
func (s *session) columnsOf(view string) []string {
	infos, err := s.columnInfo("SELECT * FROM temp." + view)
	if err != nil {
		return nil
	}
	var columns []string
	for _, info := range infos {
		columns = append(columns, info.Name)
	}
	return columns
}
