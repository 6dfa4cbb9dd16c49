"""Forms: form-js files compiled to schemas, and drafts."""
