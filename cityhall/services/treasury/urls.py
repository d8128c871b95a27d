"""Addresses of the service."""

from django.urls import path

from cityhall.services.treasury import (
    bank_pages,
    debit_pages,
    hand_pages,
    pages,
    payment_pages,
    refund_pages,
    statement_pages,
)

urlpatterns = [
    path("", pages.overview, name="treasury"),
    path("trial/", pages.trial, name="treasury_trial"),
    path("trial.csv", pages.trial_csv, name="treasury_trial_csv"),
    path("accounts/<int:number>/", statement_pages.statement, name="treasury_account"),
    path("accounts/<int:number>/statement.csv", statement_pages.statement_csv, name="treasury_statement_csv"),
    path("points/", pages.points, name="treasury_points"),
    path("points.csv", pages.points_csv, name="treasury_points_csv"),
    path("debts/", pages.debts, name="treasury_debts"),
    path("proofs/", pages.proofs, name="treasury_proofs"),
    path("holds/", hand_pages.holds, name="treasury_holds"),
    path("holds/<uuid:uid>/", hand_pages.hold, name="treasury_hold"),
    path("find/", hand_pages.find, name="treasury_find"),
    path("postings/<uuid:uid>/", hand_pages.posting, name="treasury_posting"),
    path("bank/", payment_pages.bank, name="treasury_bank"),
    path("bank/<int:number>/", payment_pages.bank_entry, name="treasury_bank_entry"),
    path("bank/files/", bank_pages.files, name="treasury_files"),
    path("bank/files/<int:number>/undo/", bank_pages.undo, name="treasury_file_undo"),
    path("payouts/", bank_pages.payouts, name="treasury_payouts"),
    path("payouts/<int:number>/", bank_pages.batch, name="treasury_batch"),
    path("payouts/<int:number>/<slug:what>/", bank_pages.step, name="treasury_batch_step"),
    path("debits/", debit_pages.debits, name="treasury_debits"),
    path("debits/mandates/", debit_pages.mandates, name="treasury_mandates"),
    path("debits/<int:number>/", debit_pages.batch, name="treasury_debit_batch"),
    path("debits/<int:number>/<slug:what>/", debit_pages.step, name="treasury_debit_step"),
    path("bills/", payment_pages.bill_list, name="treasury_bills"),
    path("bills/<int:number>/", payment_pages.bill, name="treasury_bill"),
    path("refunds/", payment_pages.refunds, name="treasury_refunds"),
    path("refunds/accounts/", refund_pages.accounts, name="treasury_refund_accounts"),
    path("refunds/<int:number>/<slug:what>/", payment_pages.refund, name="treasury_refund"),
    path("corrections/", hand_pages.corrections, name="treasury_corrections"),
    path("corrections/<int:number>/<slug:what>/", hand_pages.decide, name="treasury_decide"),
]
