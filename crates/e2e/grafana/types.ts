// The type of envoy/dashboard.json: Grafana's types for the panels and queries in it. @grafana/schema leaves the options
// of a panel and its queries open; here each panel has its own types.
import type * as g from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as states from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as lines from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';

// In JSON, an enumeration has values and no names, and there are no methods.
type Json<T> = T extends string ? `${T}` : T extends number ? (`${T}` extends `${infer N extends number}` ? N : T)
  : T extends (...args: never[]) => unknown ? never
  : T extends object ? { [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: Json<T[K]> } : T;

type FieldConfig<Custom> = Omit<g.FieldConfigSource, 'defaults'> & {
  defaults: Omit<g.FieldConfig, 'custom'> & { custom?: Custom };
};
type Panel<Type extends string, Options, Custom> = Omit<g.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: Type;
  options: Options;
  fieldConfig: FieldConfig<Custom>;
  targets: Dataquery[];
};
// What Grafana writes when it exports a dashboard for others, and reads when it imports one. It has no published type: this
// is the part of its exporter (public/app/features/dashboard-scene/scene/export/exporters.ts) that is used here.
type Import = {
  __inputs: Array<{
    name: string; label: string; description: string; type: 'datasource'; pluginId: string; pluginName: string;
  }>;
  __elements: Record<string, never>;
  __requires: Array<{ type: 'grafana' | 'datasource' | 'panel'; id: string; name: string; version: string }>;
};
export type Dashboard = Json<Omit<g.Dashboard, 'panels'> & Import & {
  panels: Array<
    | g.RowPanel
    | Panel<'stat', stat.Options, Record<string, never>>
    | Panel<'timeseries', lines.Options, lines.FieldConfig>
    | Panel<'state-timeline', states.Options, states.FieldConfig>
  >;
}>;
