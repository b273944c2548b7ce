package armexample

const version20250101 = "2025-01-01"

func (client *ShopsClient) createCreateRequest(ctx context.Context, shopName string, parameters ShopCreate, _ *Options) (*policy.Request, error) {
	urlPath := "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Example/shops/{shopName}"
	urlPath = strings.ReplaceAll(urlPath, "{shopName}", url.PathEscape(shopName))
	req, err := runtime.NewRequest(ctx, http.MethodPut, runtime.JoinPaths(client.internal.Endpoint(), urlPath))
	reqQP := req.Raw().URL.Query()
	reqQP.Set("api-version", version20250101)
	if err := runtime.MarshalAsJSON(req, parameters); err != nil {
		return nil, err
	}
	return req, nil
}

func (client *ShopsClient) getCreateRequest(ctx context.Context, shopName string, options *Options) (*policy.Request, error) {
	urlPath := "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Example/shops/{shopName}"
	req, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(client.internal.Endpoint(), urlPath))
	reqQP.Set("api-version", version20250101)
	return req, nil
}

func (client *ShopsClient) getHandleResponse(resp *http.Response) (ShopsClientGetResponse, error) {
	result := ShopsClientGetResponse{}
	if err := runtime.UnmarshalAsJSON(resp, &result.Shop); err != nil {
		return ShopsClientGetResponse{}, err
	}
	return result, nil
}

type ShopsClientGetResponse struct {
	// Shop.
	Shop
}

func (client *ShopsClient) listCreateRequest(ctx context.Context, options *Options) (*policy.Request, error) {
	urlPath := "/subscriptions/{subscriptionId}/providers/Microsoft.Example/shops"
	req, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(client.internal.Endpoint(), urlPath))
	reqQP.Set("api-version", "2025-01-01")
	return req, nil
}

// the body is an option, and the type and the name are parameters with few values
func (client *DoorsClient) createCreateRequest(ctx context.Context, mode Mode, kind Kind, options *DoorsClientCreateOptions) (*policy.Request, error) {
	urlPath := "/{scope}/providers/microsoft.example/doors/{name}/{mode}/{kind}"
	urlPath = strings.ReplaceAll(urlPath, "{mode}", url.PathEscape(string(mode)))
	urlPath = strings.ReplaceAll(urlPath, "{kind}", url.PathEscape(string(kind)))
	req, err := runtime.NewRequest(ctx, http.MethodPut, runtime.JoinPaths(client.internal.Endpoint(), urlPath))
	reqQP.Set("api-version", "2024-01-01-preview")
	if options != nil && options.Door != nil {
		if err := runtime.MarshalAsJSON(req, *options.Door); err != nil {
			return nil, err
		}
	}
	return req, nil
}

type DoorsClientCreateOptions struct {
	Door *Person
}

// a file is no resource
func (client *FilesClient) replaceCreateRequest(ctx context.Context, body io.ReadSeekCloser) (*policy.Request, error) {
	urlPath := "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Example/files/content"
	req, err := runtime.NewRequest(ctx, http.MethodPut, runtime.JoinPaths(client.internal.Endpoint(), urlPath))
	reqQP.Set("api-version", "2025-01-01")
	if err := req.SetBody(body, "text/powershell"); err != nil {
		return nil, err
	}
	return req, nil
}
