package ui

import (
	"fmt"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"
)

// liveBeat is how often a connection with nothing to say shows that it is alive.
const liveBeat = 15 * time.Second

// live says, by server-sent events, when there is a new snapshot: the page then
// asks for itself again.
func (u *UI) live(w http.ResponseWriter, r *http.Request, _ httprouter.Params) int {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "INTERNAL_ERROR", http.StatusInternalServerError)
		return http.StatusInternalServerError
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	fmt.Fprint(w, "retry: 2000\n\n")
	flusher.Flush()
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	for {
		changed := u.collector.Changed()
		select {
		case <-r.Context().Done():
			return http.StatusOK
		case <-changed:
			at := u.collector.Latest(r.Context()).At
			fmt.Fprintf(w, "event: snapshot\ndata: %d\n\n", at.UnixMilli())
		case <-beat.C:
			fmt.Fprint(w, ": alive\n\n")
		}
		flusher.Flush()
	}
}
