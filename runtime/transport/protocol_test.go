package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// minTranscripts is how many cases the transcripts have at least.
const minTranscripts = 60

// clauses are what PROTOCOL.md of graphql-ws 6 demands of a server, each with
// the comment of a transcript that holds it.
var clauses = map[string]string{
	// Communication.
	"messages are JSON":                                    "A message is JSON,",
	"all messages have a type":                             "It has a type",
	"messages of operations have an id":                    "Complete has an id: a string that is not empty,",
	"so has Subscribe":                                     "Subscribe has one too,",
	"operations are active side by side and interleaved":   "Operations are interleaved, each under its id.",
	"the server closes the socket at any time":             "The server may close the socket at any time, before the ack too.",
	"the client closes the socket":                         "The client goes away: its operations are stopped, nothing is sent.",
	"the sub-protocol is graphql-transport-ws":             "No agreed subprotocol: the socket is closed, not dropped.",
	"ConnectionInit too late: 4408":                        "Not initialised in time: 4408.",
	"ConnectionInit twice: 4429":                           "More than one ConnectionInit at any time: 4429. Before the ack,",
	"ConnectionInit twice, at any given time":              "and after it, whatever operations there are.",
	"a rejected connection: 4403":                          "A refused connection: 4403 Forbidden.",
	"ConnectionInit's payload is an object, null, missing": "Its payload is an object, null or missing.",
	"ConnectionInit is acknowledged":                       "ConnectionInit is answered with ConnectionAck once it was allowed.",

	// Ping and Pong.
	"Ping at any time, answered with Pong":    "Ping can be sent at any time, before ConnectionInit too, and is answered with Pong.",
	"Ping's payload":                          "Its payload comes back as it was.",
	"Ping from the server":                    "A ping of the WebSocket that nobody answers is followed by one of the protocol,",
	"Pong at any time, with payload, unasked": "Pong can be sent at any time, unsolicited, with a payload.",

	// Subscribe.
	"Subscribe asks for the payload's operation":       "The request's members reach the executor.",
	"Subscribe has a payload":                          "and a payload, an object,",
	"query is a string":                                "with a query, a string,",
	"operationName is a string or null":                "an operationName that is a string or null,",
	"variables are an object or null":                  "variables that are an object or null,",
	"extensions are an object or null":                 "and likewise extensions.",
	"an id in use, whatever the type: 4409":            "An id in use: 4409, whatever the type of the operation, and everything stops.",
	"ids of single results are of the same name-space": "and its id is in use like theirs until it was answered.",
	"the id is free when the client has completed":     "An id is free again after the client's Complete, at once: nothing of the old operation leaves.",
	"the id is free when the server has completed":     "It is free after the server's Complete",
	"the id is free after Error":                       "and after Error.",
	"Subscribe before ConnectionInit: 4401":            "Subscribe before ConnectionInit: 4401.",
	"Subscribe before the acknowledgement: 4401":       "Subscribe between ConnectionInit and the ack: 4401.",

	// Next, Error, Complete.
	"results, then Complete":                       "A streaming operation: results, then Complete from the server.",
	"a single result, then Complete":               "A query or a mutation is an operation with one result: Next, then Complete.",
	"single results are multiplexed":               "Its results are interleaved with those of subscriptions,",
	"Error before execution":                       "A request that fails before it is executed is Error, and the socket stays open.",
	"Error during execution, and nothing after it": "Error can end an operation that has delivered. No Complete follows.",
	"what was executed is Next":                    "A request with errors alone is Error, one that was executed is Next, whatever it holds.",
	"nothing after the server's Complete":          "Nothing follows Complete.",
	"the client completes, and no event follows":   "The client completes: no word comes back, and the executor stops.",
	"nor a single result that was not there yet":   "That holds for a query that runs as well.",
	"Complete may cross Complete":                  "The client's Complete may cross the server's. What still waits of the old operation is dropped then, its end too.",
	"Complete may cross Error":                     "The client's Complete may cross Error as well, and come once more.",
	"unknown ids are ignored":                      "Completing what is not there is no error, before the ack neither.",

	// Invalid message.
	"a type that is not of a client: 4400": "that a client may send,",
	"a form that is not specified: 4400":   "an object,",
	"the closure is immediate":             "It ends the operations.",
	"nothing is taken after it":            "Nothing that follows on the socket is taken, and nothing is sent.",
	"the reason fits a close frame":        "A close reason has at most 123 bytes and ends with a whole character.",
}

func TestTranscriptsHoldTheProtocol(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases, titles := 0, map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
			played := false
			for line := range strings.SplitSeq(block, "\n") {
				if title, ok := strings.CutPrefix(line, "# "); ok {
					titles[title] = true
				} else if !strings.HasPrefix(line, " ") {
					played = true
				}
			}
			if played {
				cases++
			}
		}
	}
	if cases < minTranscripts {
		t.Errorf("%d transcripts, there must be at least %d", cases, minTranscripts)
	}
	for clause, title := range clauses {
		if !titles[title] {
			t.Errorf("no transcript %q holds that %s", title, clause)
		}
	}
	t.Logf("%d transcripts hold %d clauses", cases, len(clauses))
}
