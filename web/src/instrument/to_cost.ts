// A row of the ladder as an order for the cost view: what trades through to it.

import { write, type Params } from '../cost/order';
import type { Instrument } from '../data/types';
import { decimalText } from '../format';
import { print, route } from '../route.svelte';
import { ui } from '../ui.svelte';

/** Settings of the cost view for an order that takes all down to a row; its price is kept for a limit order. */
export function orderOf(before: Params, info: Instrument, row: { bids: boolean; price: number; sum: number }): Params {
  const amount = row.sum.toFixed(info.size_decimals).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
  const limit = (row.price / 10 ** info.price_decimals).toFixed(info.price_decimals);
  return write(before, { side: row.bids ? 'sell' : 'buy', kind: info.size_unit === 'contracts' ? 'contracts' : 'size', amount, limit });
}

/** Sets the order of the cost view: at once where it is open, else with a word on how to get there. */
export function toCost(info: Instrument, row: { bids: boolean; price: number; sum: number }): void {
  if (!(row.sum > 0)) return;
  if (route.view === 'cost') {
    route.setAll(orderOf(route.params, info, row));
    return;
  }
  const params = orderOf(route.kept('cost', info.id), info, row);
  route.order = { instrument: info.id, params };
  const what = `${params['side'] === 'buy' ? 'Buy' : 'Sell'} ${decimalText(params['size'] ?? params['contracts'] ?? '')} ${info.size_unit === 'contracts' ? 'contracts' : info.base}`;
  const source = route.params['source'];
  const href = print({ view: 'cost', instrument: info.id, params: { ...params, ...(source && { source }) } });
  ui.say(`${what} (to ${decimalText(params['limit'] ?? '')}) is set in the cost view.`, 'info', { href, text: 'Open it' });
}
