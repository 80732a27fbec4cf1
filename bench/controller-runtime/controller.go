package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// As in the other contestants.
const concurrency = 8

// latencyAct tells how long after its sending each update was reconciled.
func latencyAct(o options) (act, error) {
	lock := sync.Mutex{}
	samples := []float64{}
	told := map[types.NamespacedName]string{}
	reconciler := func(manager ctrl.Manager) reconcile.Func {
		return func(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
			at := now()
			configMap := corev1.ConfigMap{}
			if err := manager.GetClient().Get(ctx, request.NamespacedName, &configMap); err != nil {
				return ctrl.Result{}, client.IgnoreNotFound(err)
			}
			sent := configMap.Data["sentAt"]
			lock.Lock()
			defer lock.Unlock()
			if sent != "" && told[request.NamespacedName] != sent {
				told[request.NamespacedName] = sent
				sentAt, err := strconv.ParseFloat(sent, 64)
				if err != nil {
					return ctrl.Result{}, reconcile.TerminalError(err)
				}
				samples = append(samples, at-sentAt)
			}
			return ctrl.Result{}, nil
		}
	}
	commands, err := managed(o, reconciler, nil)
	if err != nil {
		return nil, err
	}
	commands["samples"] = func(context.Context) (answer, error) {
		lock.Lock()
		defer lock.Unlock()
		return answer{"samples": samples}, nil
	}
	return commands, nil
}

// reconcilesAct patches each object that has not the mark, and has done with "go" when all have been patched.
func reconcilesAct(o options) (act, error) {
	patched := &counter{left: o.expect, done: make(chan struct{})}
	patch, err := json.Marshal(map[string]any{"data": map[string]string{"mark": o.mark}})
	if err != nil {
		return nil, err
	}
	reconciler := func(manager ctrl.Manager) reconcile.Func {
		return func(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
			configMap := corev1.ConfigMap{}
			if err := manager.GetClient().Get(ctx, request.NamespacedName, &configMap); err != nil {
				return ctrl.Result{}, client.IgnoreNotFound(err)
			}
			if configMap.Data["mark"] == o.mark {
				return ctrl.Result{}, nil
			}
			err := manager.GetClient().Patch(ctx, &configMap, client.RawPatch(types.MergePatchType, patch))
			if err == nil {
				patched.count()
			}
			return ctrl.Result{}, err
		}
	}
	return managed(o, reconciler, patched.done)
}

// managed runs a manager with one controller; "go" ends when the cache has synced, or when done says so.
func managed(o options, reconciler func(ctrl.Manager) reconcile.Func, done <-chan struct{}) (act, error) {
	config, err := configOf(o)
	if err != nil {
		return nil, err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{o.namespace: {}},
			DefaultTransform:  cache.TransformStripManagedFields(),
		},
	})
	if err != nil {
		return nil, err
	}
	err = ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).Complete(reconciler(manager))
	if err != nil {
		return nil, err
	}
	return act{"go": func(ctx context.Context) (answer, error) {
		ended := make(chan error, 1)
		go func() { ended <- manager.Start(ctx) }()
		if done == nil {
			if !manager.GetCache().WaitForCacheSync(ctx) {
				return nil, errors.New("the cache did not sync")
			}
			return answer{}, nil
		}
		select {
		case err := <-ended:
			return nil, err
		case <-done:
			return answer{}, nil
		}
	}}, nil
}

type counter struct {
	lock sync.Mutex
	left int
	done chan struct{}
}

func (c *counter) count() {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.left--
	if c.left == 0 {
		close(c.done)
	}
}
