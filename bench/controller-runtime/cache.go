package main

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cacheAct follows the ConfigMaps of a namespace: first all of them, then until each has the mark.
func cacheAct(o options) (act, error) {
	config, err := configOf(o)
	if err != nil {
		return nil, err
	}
	configMaps, err := cache.New(config, cache.Options{
		DefaultNamespaces: map[string]cache.Config{o.namespace: {}},
		DefaultTransform:  cache.TransformStripManagedFields(),
	})
	if err != nil {
		return nil, err
	}
	marked := newMarked(o)
	waiting := make(chan struct{})
	return act{
		"go": func(ctx context.Context) (answer, error) { return start(ctx, configMaps, marked) },
		"read": func(ctx context.Context) (answer, error) {
			list := corev1.ConfigMapList{}
			if err := configMaps.List(ctx, &list, client.InNamespace(o.namespace)); err != nil {
				return nil, err
			}
			return answer{"objects": len(list.Items), "characters": characters(list.Items)}, nil
		},
		"wait": func(context.Context) (answer, error) {
			go func() { <-marked.all; close(waiting) }()
			return answer{}, nil
		},
		"catch-up": func(context.Context) (answer, error) { <-waiting; return answer{}, nil },
	}, nil
}

func start(ctx context.Context, configMaps cache.Cache, marked *marked) (answer, error) {
	informer, err := configMaps.GetInformer(ctx, &corev1.ConfigMap{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	if _, err := informer.AddEventHandler(marked); err != nil {
		return nil, err
	}
	go func() { _ = configMaps.Start(ctx) }()
	if !configMaps.WaitForCacheSync(ctx) {
		return nil, errors.New("the cache did not sync")
	}
	list := corev1.ConfigMapList{}
	if err := configMaps.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	return answer{"objects": len(list.Items)}, nil
}

func characters(items []corev1.ConfigMap) int {
	sum := 0
	for _, item := range items {
		for _, value := range item.Data {
			sum += len(value)
		}
	}
	return sum
}

// marked is an informer's handler that waits until as many objects as there are have had the mark.
type marked struct {
	mark string
	left int
	seen map[string]bool
	all  chan struct{}
}

var _ toolscache.ResourceEventHandler = (*marked)(nil)

func newMarked(o options) *marked {
	return &marked{mark: o.mark, left: o.expect, seen: map[string]bool{}, all: make(chan struct{})}
}

func (m *marked) OnAdd(object any, _ bool) { m.look(object) }
func (m *marked) OnUpdate(_, object any)   { m.look(object) }
func (m *marked) OnDelete(any)             {}

func (m *marked) look(object any) {
	configMap, ok := object.(*corev1.ConfigMap)
	if !ok || m.mark == "" || configMap.Data["mark"] != m.mark || m.seen[configMap.Name] {
		return
	}
	m.seen[configMap.Name] = true
	if len(m.seen) == m.left {
		close(m.all)
	}
}
