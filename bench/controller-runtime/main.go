// Command controller-runtime does in Go, by controller-runtime as its users write it, what bench/contestants/ours.mjs does with Incumbent.
// It takes commands as lines and answers each by a line of JSON: see bench/lib/act.mjs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

type options struct {
	kubeconfig, namespace, mark string
	expect                      int
	json                        bool
}

type answer map[string]any

// act is what one contestant does: its commands by name.
type act map[string]func(context.Context) (answer, error)

func main() {
	act, o := parse()
	log.SetLogger(logr.Discard())
	commands, err := act(o)
	if err == nil {
		err = obey(commands)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parse() (func(options) (act, error), options) {
	o := options{}
	// A set of its own: controller-runtime puts a -kubeconfig of its own into the common one.
	flags := flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	name := flags.String("act", "", "sync, catch-up, latency or reconciles")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "path of a kubeconfig")
	flags.StringVar(&o.namespace, "namespace", "", "namespace of the ConfigMaps")
	flags.StringVar(&o.mark, "mark", "", "what data.mark shows when an object is as it should be")
	flags.IntVar(&o.expect, "expect", 0, "how many objects there are")
	flags.BoolVar(&o.json, "json", false, "speak JSON with the API server, as about custom resources, not protobuf")
	_ = flags.Parse(os.Args[1:])
	return map[string]func(options) (act, error){
		"sync": cacheAct, "catch-up": cacheAct, "latency": latencyAct, "reconciles": reconcilesAct,
	}[*name], o
}

// obey runs one command after the other until the standard input ends: whoever gave them has gone then.
func obey(commands act) error {
	tell("ready", answer{})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		name := lines.Text()
		command, known := commands[name]
		if name == "settle" {
			command, known = settle, true
		}
		if !known {
			return fmt.Errorf("there is no command %q", name)
		}
		result, err := command(context.Background())
		if err != nil {
			return err
		}
		tell(name, result)
	}
	return lines.Err()
}

func tell(event string, fields answer) {
	fields["event"] = event
	line, _ := json.Marshal(fields)
	fmt.Printf("%s\n", line)
}

// settle frees what can be freed; Go's scavenger would do it too, in minutes.
func settle(context.Context) (answer, error) {
	for range 2 {
		runtime.GC()
		debug.FreeOSMemory()
		time.Sleep(500 * time.Millisecond)
	}
	return answer{}, nil
}

func configOf(o options) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, err
	}
	// Nobody is held back on the client's side.
	config.QPS = -1
	if o.json {
		config.ContentType = "application/json"
	}
	return config, nil
}

// now is the machine's monotonic time in milliseconds, the same for all its processes.
func now() float64 {
	at := unix.Timespec{}
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &at)
	return float64(at.Nano()) / 1e6
}
