"""The pages: made on the server, in two languages, with the engine, store and rights of the API."""
