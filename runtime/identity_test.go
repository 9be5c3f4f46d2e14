package runtime_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime"
)

// TestDevTellsWhatIsWrongWithAnIdentity mistypes an identity in each place that
// can carry one.
func TestDevTellsWhatIsWrongWithAnIdentity(t *testing.T) {
	var log bytes.Buffer
	server, err := runtime.New(runtime.Config{Dev: true, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateTenant(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	const mistyped, wrong = `{"permission":["a"]}`, `unknown member "permission"; there are claims and permissions`

	socket, _, err := (&websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}).Dial(strings.Replace(web.URL, "http", "ws", 1)+"/t/acme/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	if err := socket.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init","payload":`+mistyped+`}`)); err != nil {
		t.Fatal(err)
	}
	_, _, err = socket.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4400 || !strings.HasSuffix(closed.Text, wrong) {
		t.Errorf("the socket ended with %v", err)
	}

	r := httptest.NewRequest("POST", "/t/acme/graphql", strings.NewReader(`{"query":"{ __typename }"}`))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Runnel-Identity", mistyped)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "BAD_USER_INPUT") || !strings.Contains(w.Body.String(), `unknown member \"permission\"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "level=DEBUG"); n != 2 || strings.Count(log.String(), "there are claims") != 2 {
		t.Errorf("the log says\n%s", &log)
	}
}
