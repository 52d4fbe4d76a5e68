import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ownRoleName, type AuthStore, type StoredToken } from '../auth/index.ts';
import type { Opened } from './contract.ts';

/** What every kind that keeps data does with users, roles, tokens and the audit log. */
export function authContract(kind: string, open: () => Promise<Opened>): void {
  describe(`auth: ${kind}`, () => {
    let opened: Opened;
    let auth: AuthStore;
    beforeEach(async () => {
      opened = await open();
      if (opened.store.auth === undefined) throw new Error('this kind keeps no users');
      ({ auth } = opened.store);
    });
    afterEach(() => opened.close());
    const user = (username: string) => auth.createUser({ username, passwordHash: 'x', isAdmin: false, kind: 'person' });
    const role = (name: string, workspace = 'default') => auth.createRole({ name, workspace, description: undefined });
    const taken = expect.objectContaining({ code: 'resource_exists' });

    it('keeps users, one of a name, and tells of each change', async () => {
      expect(await auth.countUsers()).toBe(0);
      const before = await auth.revision();
      const ann = await user('Änn');
      expect(ann).toMatchObject({ username: 'Änn', isAdmin: false, kind: 'person', failures: 0, lockedUntil: 0 });
      await expect(user('Änn')).rejects.toEqual(taken);
      await auth.updateUser(ann.id, { isAdmin: true, failures: 3, lockedUntil: 1_700_000_000_000 });
      expect(await auth.findUser('Änn')).toEqual({
        ...ann,
        isAdmin: true,
        failures: 3,
        lockedUntil: 1_700_000_000_000,
      });
      expect(await auth.userById(ann.id)).toMatchObject({ username: 'Änn' });
      expect(await auth.findUser('änn')).toBeUndefined();
      expect(await auth.revision()).toBeGreaterThan(before);
      expect((await auth.listUsers()).map(({ username }) => username)).toEqual(['Änn']);
    });

    it('keeps roles with their grants and members', async () => {
      const [ann, readers, other] = [await user('ann'), await role('readers'), await role('readers', 'elsewhere')];
      await expect(role('readers')).rejects.toEqual(taken);
      await auth.updateRole(other.id, { description: 'd' });
      await auth.updateRole(other.id, { name: 'writers' });
      await expect(auth.updateRole((await role('third')).id, { name: 'readers' })).rejects.toEqual(taken);
      const grant = { roleId: readers.id, resourceType: 'experiment', resourcePattern: '7', permission: 'READ' };
      const made = await auth.addGrant(grant);
      await expect(auth.addGrant({ ...grant, permission: 'EDIT' })).rejects.toEqual(taken);
      await auth.putGrant({ ...grant, permission: 'EDIT' });
      expect(await auth.findGrant(made.id)).toEqual({ ...made, permission: 'EDIT' });
      await auth.updateGrant(made.id, 'MANAGE');
      const member = await auth.addMember(ann.id, readers.id);
      await expect(auth.addMember(ann.id, readers.id)).rejects.toEqual(taken);
      expect(await auth.membersOf(readers.id)).toEqual([member]);
      expect(await auth.rolesOf(ann.id)).toEqual([{ ...readers, permissions: [{ ...made, permission: 'MANAGE' }] }]);
      expect((await auth.listRoles(['elsewhere'])).map(({ name }) => name)).toEqual(['writers']);
      expect(await auth.findRole(other.id)).toMatchObject({ description: 'd' });
      await auth.removeGrant(made.id);
      expect(await auth.removeMember(ann.id, readers.id)).toBe(true);
      expect(await auth.removeMember(ann.id, readers.id)).toBe(false);
      await auth.deleteRole(readers.id);
      expect(await auth.roleNamed('default', 'readers')).toBeUndefined();
    });

    it('moves and drops what single users were granted on a resource, and nothing else', async () => {
      const ann = await user('ann');
      const own = await role(ownRoleName(ann.id));
      const shared = await role('xxuserx1xx');
      for (const { id: roleId } of [own, shared]) {
        await auth.putGrant({ roleId, resourceType: 'prompt', resourcePattern: 'old', permission: 'EDIT' });
      }
      await auth.moveGrants('prompt', 'old', 'new');
      const patterns = async (id: number) =>
        (await auth.findRole(id))?.permissions.map(({ resourcePattern }) => resourcePattern);
      expect([await patterns(own.id), await patterns(shared.id)]).toEqual([['new'], ['old']]);
      await auth.moveGrants('prompt', 'new');
      expect([await patterns(own.id), await patterns(shared.id)]).toEqual([[], ['old']]);
    });

    it('takes all away with a user that is theirs', async () => {
      const ann = await user('ann');
      const token: StoredToken = {
        ...{ id: 'a1', userId: ann.id, name: 'ci', kind: 'token', hash: 'h', scopes: 'read,write' },
        ...{ created: 1_700_000_000_000, expires: 0, lastUsed: 0 },
      };
      await auth.addToken(token);
      await auth.touchToken('a1', 1_700_000_000_001);
      expect(await auth.findToken('a1')).toEqual({ ...token, lastUsed: 1_700_000_000_001 });
      const own = await role(ownRoleName(ann.id));
      await auth.addMember(ann.id, own.id);
      await auth.deleteUser(ann.id);
      expect([await auth.listTokens(), await auth.listRoles(), await auth.listUsers()]).toEqual([[], [], []]);
      expect(await auth.removeToken('a1')).toBe(false);
    });

    it('only adds to the audit log', async () => {
      const line = (what: string) => ({
        at: 1_700_000_000_000,
        who: 'ann',
        what,
        target: 't',
        from: '::1',
        result: 'done',
      });
      for (const what of ['a', 'b', 'c']) await auth.addAudit(line(what));
      const last = await auth.listAudit({ limit: 2 });
      expect(last).toMatchObject([line('b'), line('c')]);
      expect(await auth.listAudit({ limit: 9, after: last[0]?.n ?? 0 })).toMatchObject([line('c')]);
    });
  });
}
