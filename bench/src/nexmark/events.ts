/** Which of the three records an event is; the value of its field `type`. @public */
export const PERSON = 0;
/** @public */
export const AUCTION = 1;
/** @public */
export const BID = 2;

/** Somebody who sells or bids. Times are epoch milliseconds. @public */
export interface Person {
  readonly type: typeof PERSON;
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  readonly dateTime: number;
  readonly extra: string;
}

/** An item put up for sale from `dateTime` until `expires`. @public */
export interface Auction {
  readonly type: typeof AUCTION;
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  readonly expires: number;
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
}

/** An offer of `bidder` for `auction`. @public */
export interface Bid {
  readonly type: typeof BID;
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

/** @public */
export type NexmarkEvent = Person | Auction | Bid;
