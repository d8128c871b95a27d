"""Addresses of the service."""

from django.urls import path

from cityhall.services.recycling import (
    crew_pages,
    desk_pages,
    pages,
    point_pages,
    settlement_pages,
    signal_pages,
)

urlpatterns = [
    path("", pages.home, name="recycling"),
    path("materials/", pages.materials, name="recycling_materials"),
    path("where/", pages.where, name="recycling_where"),
    path("ask/", pages.ask, name="recycling_ask"),
    path("ask/where/", pages.ask_where, name="recycling_ask_where"),
    path("ask/when/", pages.ask_when, name="recycling_ask_when"),
    path("pickups/", pages.pickups, name="recycling_pickups"),
    path("pickups/<int:number>/", pages.pickup, name="recycling_pickup"),
    path("pickups/<int:number>/<slug:what>/", pages.act, name="recycling_act"),
    path("weighings/<uuid:uid>/", pages.weighing, name="recycling_weighing"),
    path("weighings/<uuid:uid>/<slug:what>/", pages.judge, name="recycling_judge"),
    path("bookings/<int:number>/", pages.booking, name="recycling_booking"),
    path("impact/", pages.own_impact, name="recycling_impact"),
    path("points/", point_pages.own, name="recycling_points"),
    path("points/fees/<int:number>/", point_pages.fee, name="recycling_fee"),
    path("points/shops/", point_pages.shops, name="recycling_shops"),
    path("points/payout/", point_pages.payout, name="recycling_payout"),
    path("vouchers/<int:number>/", point_pages.voucher, name="recycling_voucher"),
    path("vouchers/<int:number>/return/", point_pages.give_back, name="recycling_return"),
    path("round/", crew_pages.round_page, name="recycling_round"),
    path("round/<int:number>/", crew_pages.stop, name="recycling_stop"),
    path("round/<int:number>/<slug:what>/", crew_pages.act, name="recycling_stop_act"),
    path("desk/", desk_pages.desk, name="recycling_desk"),
    path("desk/buildings/", desk_pages.building, name="recycling_building"),
    path("desk/pickups/<int:pk>/promise/", desk_pages.promise, name="recycling_promise"),
    path("desk/weights/<uuid:uid>/", desk_pages.weight, name="recycling_weight"),
    path("desk/signals/", signal_pages.listed, name="recycling_signals"),
    path("desk/signals/<int:number>/", signal_pages.one, name="recycling_signal"),
    path("desk/settlements/", settlement_pages.listed, name="recycling_settlements"),
    path("desk/settlements/draw/", settlement_pages.draw_up, name="recycling_settlement_draw"),
    path("desk/settlements/<int:number>/", settlement_pages.one, name="recycling_settlement"),
    path("desk/settlements/<int:number>.csv", settlement_pages.statement, name="recycling_settlement_csv"),
    path("desk/settlements/<int:number>/<slug:what>/", settlement_pages.act, name="recycling_settlement_act"),
    path("shop/", desk_pages.shop, name="recycling_shop"),
]
