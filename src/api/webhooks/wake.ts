import type { ApiRoute } from '../route.ts';
import type { Deliveries } from './deliver.ts';

/** The routes with those that change the registry sending at once what the store has to tell of it. */
export function withDeliveries(routes: readonly ApiRoute[], deliveries: Deliveries): readonly ApiRoute[] {
  return routes.map((route) => {
    if (route.method === 'GET' || !/^\/(?:registered-models|model-versions)\//.test(route.path)) return route;
    return {
      ...route,
      answer: async (fields, params, caller) => {
        const answer = await route.answer(fields, params, caller);
        deliveries.wake();
        return answer;
      },
    };
  });
}
