/** The location that tests connect, its conversation providers, and where the bridge is told that it is reached. */
export const locationId = "location-1";
export const token = "token-location-1";
export const smsProviderId = "provider-sms-extra";
export const emailProviderId = "provider-email-extra";
export const publicUrl = "https://bridge.example.com";
