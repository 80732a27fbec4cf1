// Command kube-controller-manager runs Kubernetes' own controllers, built from their published Go module.
package main

import (
	"os"
	_ "time/tzdata" // CronJobs may name any time zone

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() { os.Exit(cli.Run(app.NewControllerManagerCommand())) }
