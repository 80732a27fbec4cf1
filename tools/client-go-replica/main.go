// Command client-go-replica takes part in one election by client-go's own leader elector, so that Incumbent can be measured beside it
// and share a Lease with it. What happens to it is printed as JSON lines, in the words of bench/replica.mjs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

type options struct {
	kubeconfig, namespace, name, identity, userAgent string
	leaseDuration, renewDeadline, retryPeriod        time.Duration
	releaseOnCancel, untilStdinEnds                  bool
	writeTo                                          string
	writeEvery                                       time.Duration
}

func main() {
	o := parse()
	if o.untilStdinEnds {
		// Whoever started this has gone, also where it was killed: nothing may be left behind.
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "leader election lost")
		os.Exit(1)
	}
}

func parse() options {
	o := options{}
	flag.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "path of a kubeconfig")
	flag.StringVar(&o.namespace, "namespace", "default", "namespace of the Lease")
	flag.StringVar(&o.name, "name", "", "name of the Lease")
	flag.StringVar(&o.identity, "identity", "", "what is written as the holder")
	flag.StringVar(&o.userAgent, "user-agent", "", "User-Agent of the requests; empty: client-go's")
	flag.DurationVar(&o.leaseDuration, "lease-duration", 15*time.Second, "client-go's LeaseDuration")
	flag.DurationVar(&o.renewDeadline, "renew-deadline", 10*time.Second, "client-go's RenewDeadline")
	flag.DurationVar(&o.retryPeriod, "retry-period", 2*time.Second, "client-go's RetryPeriod")
	flag.BoolVar(&o.releaseOnCancel, "release-on-cancel", true, "client-go's ReleaseOnCancel")
	flag.BoolVar(&o.untilStdinEnds, "until-stdin-ends", false, "exit when the standard input ends")
	flag.StringVar(&o.writeTo, "write-to", "", "name of a ConfigMap that is written while leading")
	flag.DurationVar(&o.writeEvery, "write-every", 20*time.Millisecond, "pause between two writes to it")
	flag.Parse()
	return o
}

// run returns when the lease is lost, or after ctx has ended.
func run(ctx context.Context, o options) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	config.UserAgent = o.userAgent
	lock, err := newLock(*config, o)
	if err != nil {
		return err
	}
	work, err := newWork(config, o)
	if err != nil {
		return err
	}
	ready := sync.OnceFunc(func() { say("ready", o.identity) })
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   o.leaseDuration,
		RenewDeadline:   o.renewDeadline,
		RetryPeriod:     o.retryPeriod,
		ReleaseOnCancel: o.releaseOnCancel,
		Name:            o.name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(term context.Context) {
				say("leading", o.identity)
				work(term)
			},
			OnStoppedLeading: func() { say("stopped", o.identity) },
			OnNewLeader:      func(string) { ready() },
		},
	})
	if err != nil {
		return err
	}
	elector.Run(ctx)
	return nil
}

// newLock does what resourcelock.NewFromKubeconfig does, down to the timeout of its requests, but keeps the User-Agent.
func newLock(config rest.Config, o options) (resourcelock.Interface, error) {
	config.Timeout = max(time.Second, o.renewDeadline/2)
	client, err := kubernetes.NewForConfig(&config)
	if err != nil {
		return nil, err
	}
	return resourcelock.New(resourcelock.LeasesResourceLock, o.namespace, o.name, client.CoreV1(), client.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: o.identity})
}

// newWork is what a leader does: it writes who it is, again and again, as plainly as client-go lets one write.
func newWork(config *rest.Config, o options) (func(context.Context), error) {
	if o.writeTo == "" {
		return func(term context.Context) { <-term.Done() }, nil
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return func(term context.Context) {
		for count := 1; term.Err() == nil; count++ {
			patch, _ := json.Marshal(map[string]any{"data": map[string]string{"writer": o.identity, "count": fmt.Sprint(count)}})
			// An answer that does not come proves nothing; the next write will tell.
			_, _ = client.CoreV1().ConfigMaps(o.namespace).Patch(term, o.writeTo, types.MergePatchType, patch, metav1.PatchOptions{})
			select {
			case <-term.Done():
			case <-time.After(o.writeEvery):
			}
		}
	}, nil
}

var saying sync.Mutex

// say prints one event; its time is on the monotonic clock that Node's process.hrtime() reads too.
func say(event, identity string) {
	now := unix.Timespec{}
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	line, _ := json.Marshal(map[string]any{"event": event, "identity": identity, "at": float64(now.Nano()) / 1e6})
	saying.Lock()
	defer saying.Unlock()
	fmt.Println(string(line))
}
