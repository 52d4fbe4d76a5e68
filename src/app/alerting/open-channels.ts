import type { ChannelSettings } from '../monitor/settings.ts';
import type { Channel, ChannelPlaces } from './channel.ts';
import { commandChannel, fileChannel } from './local-channels.ts';
import { mailChannel } from './mail.ts';
import { alertmanagerChannel, webhookChannel } from './webhook.ts';

/** The channels of `monitor.yaml`. Nothing is connected before something is to be told. */
export function openChannels(channels: readonly ChannelSettings[], places: ChannelPlaces): Channel[] {
  return channels.map((settings) => {
    switch (settings.type) {
      case 'smtp':
        return mailChannel(settings, places);
      case 'webhook':
        return webhookChannel(settings, places);
      case 'alertmanager':
        return alertmanagerChannel(settings);
      case 'command':
        return commandChannel(settings, places);
      case 'file':
        return fileChannel(settings, places);
    }
  });
}
