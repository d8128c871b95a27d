"""Addresses of the service."""

from django.urls import path

from cityhall.services.house import desk, desk_acts, pages, shop_pages

urlpatterns = [
    path("", pages.home, name="house"),
    path("rooms/<slug:slug>/", pages.room, name="house_room"),
    path("rooms/<slug:slug>/book/", pages.book, name="house_book"),
    path("rooms/<slug:slug>/wait/", pages.wait, name="house_wait"),
    path("bookings/", pages.own, name="house_own"),
    path("bookings/<int:number>/", pages.reservation, name="house_booking"),
    path("bookings/<int:number>/pay/", pages.pay, name="house_pay"),
    path("bookings/<int:number>/cancel/", pages.cancel, name="house_cancel"),
    path("bookings/<int:number>.ics", pages.calendar, name="house_calendar"),
    path("bookings/<int:number>/move/", pages.move, name="house_move"),
    path("offers/<int:number>/", pages.offer, name="house_offer"),
    path("waiting/<int:number>/leave/", pages.leave, name="house_leave"),
    path("shop/", shop_pages.shop, name="house_shop"),
    path("orders/<int:number>/", shop_pages.order, name="house_order"),
    path("orders/<int:number>/pay/", shop_pages.pay, name="house_order_pay"),
    path("orders/<int:number>/return/", shop_pages.give_back, name="house_return"),
    path("desk/", desk.day, name="house_desk"),
    path("desk/orders/", desk.orders, name="house_orders"),
    path("desk/bookings/<int:number>/<slug:what>/", desk_acts.act, name="house_act"),
    path("desk/rooms/<slug:slug>/<slug:what>/", desk_acts.close, name="house_close"),
    path("desk/orders/<int:number>/<slug:what>/", desk_acts.order, name="house_order_act"),
]
