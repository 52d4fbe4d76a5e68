import { trialStoreContract } from './contract.ts';
import { memoryTrials } from './memory-store.ts';

trialStoreContract('memory', async () => ({ store: memoryTrials(), close: async () => undefined }));
