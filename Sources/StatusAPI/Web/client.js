// Owns presence in the application's own pages: dots, watching, heartbeats.
// Called by a script tag in them.
// Never asks another origin than its own.
"use strict";
