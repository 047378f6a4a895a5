import { expect, it } from 'vitest';
import { fold, type Alert } from './alerts';

const alert = (id: string, fired_ms: number, state: Alert['state'] = 'firing'): Alert => ({ id, fired_ms, state, since_ms: 0 }) as Alert;
const update = (snapshot: boolean, alerts: Alert[], gone: string[] = []): never => ({ type: 'update', kind: 'alerts', snapshot, alerts, gone }) as never;
const ids = (alerts: Alert[]): string[] => alerts.map((one) => `${one.id} ${one.state}`);

it('a change exchanges, adds and takes away; a snapshot begins anew; the newest stands first', () => {
  const first = fold([], update(true, [alert('a', 1), alert('b', 2)]));
  expect(ids(first)).toEqual(['b firing', 'a firing']);
  const second = fold(first, update(false, [alert('a', 1, 'resolved'), alert('c', 3, 'pending')]));
  expect(ids(second)).toEqual(['c pending', 'b firing', 'a resolved']);
  const third = fold(second, update(false, [], ['c']));
  expect(ids(third)).toEqual(['b firing', 'a resolved']);
  expect(ids(fold(third, update(true, [alert('d', 9)])))).toEqual(['d firing']);
});
